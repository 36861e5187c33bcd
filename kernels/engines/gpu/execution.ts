/**
 * A plan with its buffers on a `GPUDevice`.
 * @module
 */
import { DeviceError, type Execution } from "../../engine.ts";
import type { Plan, Storage, Tensor } from "../../plan.ts";
import type { GpuDevice } from "./device.ts";
import { type HalfPlan, shadowProgram } from "./half_storage.ts";

/** A dispatch with everything resolved. */
export interface Encoded {
  readonly pipeline: GPUComputePipeline;
  readonly bindGroup: GPUBindGroup;
  readonly workgroups: readonly [number, number, number];
}

/** A plan with GPU buffers. */
export class GpuExecution implements Execution {
  /** What it runs. */
  readonly plan: Plan;
  readonly #gpu: GpuDevice;
  readonly #programs: ReadonlyMap<string, readonly Encoded[]>;
  readonly #stored: HalfPlan;
  readonly #bufferOf: (storage: Storage) => GPUBuffer;
  readonly #buffers: readonly GPUBuffer[];
  /** Whether parameters were written that have a shadow. */
  #staleShadows = false;

  /** Made by {@linkcode GpuEngine.prepare}. */
  constructor(
    plan: Plan,
    gpu: GpuDevice,
    programs: ReadonlyMap<string, readonly Encoded[]>,
    stored: HalfPlan,
    bufferOf: (storage: Storage) => GPUBuffer,
    buffers: readonly GPUBuffer[],
  ) {
    this.plan = plan;
    this.#gpu = gpu;
    this.#programs = programs;
    this.#stored = stored;
    this.#bufferOf = bufferOf;
    this.#buffers = buffers;
    for (const { blocks, blockNumbers } of stored.shadows) this.write(blocks, blockNumbers);
  }

  write(tensor: Tensor, values: Float32Array | Uint32Array): void {
    if (values.length > tensor.length) {
      throw new RangeError(
        `Cannot write ${values.length} values to "${tensor.name}": it holds ${tensor.length}`,
      );
    }
    // Deno aborts the process on an empty write.
    if (values.length === 0) return;
    const stored = this.#storedAs(tensor);
    if (stored.storage.type === "f16" && values.length % 2 > 0 && values.length < tensor.length) {
      throw new RangeError(
        `Cannot write ${values.length} of the ${tensor.length} values of "${tensor.name}": two at a time are written ` +
          "of what is stored in f16. Write an even number of them, or all",
      );
    }
    this.#staleShadows ||= this.#stored.shadows.some(({ source }) => source === tensor.storage);
    this.#gpu.device.queue.writeBuffer(
      this.#bufferOf(stored.storage),
      bytesOf(stored).offset,
      stored.storage.type === "f16"
        ? paddedHalves(values)
        : values as Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>,
    );
  }

  run(...programs: string[]): void {
    const { device } = this.#gpu;
    const label = programs.join("+");
    const encoder = device.createCommandEncoder({ label });
    const pass = encoder.beginComputePass({ label });
    for (const program of this.#staleShadows ? [shadowProgram, ...programs] : programs) {
      const dispatches = this.#programs.get(program);
      if (dispatches === undefined) {
        throw new RangeError(`Cannot run program "${program}": the plan has none of that name`);
      }
      for (const { pipeline, bindGroup, workgroups } of dispatches) {
        pass.setPipeline(pipeline);
        pass.setBindGroup(0, bindGroup);
        pass.dispatchWorkgroups(...workgroups);
      }
    }
    this.#staleShadows = false;
    pass.end();
    device.queue.submit([encoder.finish()]);
  }

  async readFloats(tensor: Tensor): Promise<Float32Array> {
    const stored = this.#storedAs(tensor);
    const bytes = await this.#readBytes(stored);
    return stored.storage.type === "f16"
      ? new Float32Array(new Float16Array(bytes, 0, tensor.length))
      : new Float32Array(bytes);
  }

  async readIntegers(tensor: Tensor): Promise<Uint32Array> {
    return new Uint32Array(await this.#readBytes(tensor));
  }

  destroy(): void {
    for (const buffer of this.#buffers) buffer.destroy();
  }

  /** The tensor in the storage that it has on the device. */
  #storedAs(tensor: Tensor): Tensor {
    const storage = this.#stored.storageOf.get(tensor.storage);
    return storage === undefined ? tensor : { ...tensor, storage };
  }

  async #readBytes(tensor: Tensor): Promise<ArrayBuffer> {
    const { device } = this.#gpu;
    const { offset, size } = bytesOf(tensor);
    const staging = device.createBuffer({
      label: `read ${tensor.name}`,
      size,
      usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
    });
    try {
      const encoder = device.createCommandEncoder();
      encoder.copyBufferToBuffer(this.#bufferOf(tensor.storage), offset, staging, 0, size);
      device.queue.submit([encoder.finish()]);
      await staging.mapAsync(GPUMapMode.READ).catch((error) => {
        throw this.#gpu.failure() ??
          new DeviceError(`The GPU does not give "${tensor.name}" back: ${error.message}`);
      });
      const failure = this.#gpu.failure();
      if (failure !== undefined) throw failure;
      return staging.getMappedRange().slice(0);
    } finally {
      staging.destroy();
    }
  }
}

/** Where a tensor lies in its buffer; sizes are whole words. */
export function bytesOf({ storage, offset, length }: Tensor): { offset: number; size: number } {
  return storage.type === "f16"
    ? { offset: 2 * offset, size: 4 * Math.ceil(length / 2) }
    : { offset: 4 * offset, size: 4 * length };
}

/** Numbers in f16, up to a whole word; as bytes, since Dawn ends the process at an array of type f16. */
function paddedHalves(values: Float32Array | Uint32Array): Uint8Array<ArrayBuffer> {
  const halves = new Float16Array(values.length + values.length % 2);
  halves.set(values);
  return new Uint8Array(halves.buffer);
}

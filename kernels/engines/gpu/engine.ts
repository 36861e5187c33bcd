/**
 * Runs a plan on a `GPUDevice`: buffers, pipelines and bind groups are made once; a run encodes one compute pass and
 * submits once.
 * @module
 */
import { DeviceError, type Engine, type Execution } from "../../engine.ts";
import type { DeviceFacts } from "../../kernel.ts";
import { type MemoryPlan, planMemory, type Slot } from "../../memory.ts";
import type { Call, Plan, Tensor } from "../../plan.ts";
import type { GpuDevice } from "./device.ts";
import { type HalfPlan, halfPlan, shadowProgram } from "./half_storage.ts";
import { type Binding, bindingsOf, shaderSource } from "./shader.ts";

/** A dispatch with everything resolved. */
interface Encoded {
  readonly pipeline: GPUComputePipeline;
  readonly bindGroup: GPUBindGroup;
  readonly workgroups: readonly [number, number, number];
}

/** How a {@linkcode GpuEngine} computes. */
export interface GpuOptions {
  /**
   * `f32`, the default, is exact everywhere. `mixed` stores activations, their gradients and copies of the weights in f16
   * (half_storage.ts) and multiplies on tensor cores where the device has them; gradients have to be scaled so that small
   * ones do not become zero.
   */
  readonly precision?: "f32" | "mixed";
}

/** What mixed precision cannot do without. */
const halfFeature: GPUFeatureName = "shader-f16";

/**
 * Why a device cannot compute in mixed precision; `undefined` where it can. Without tensor cores it can, too: products then
 * add in f32, and half the memory and its traffic are what is gained.
 */
export function whyNotMixed({ device, description }: GpuDevice): string | undefined {
  return device.features.has(halfFeature)
    ? undefined
    : `"${description}" offers no half-precision numbers (${halfFeature})`;
}

/** Runs plans through WebGPU. */
export class GpuEngine implements Engine {
  readonly name = "gpu";
  readonly description: string;
  readonly precision: "f32" | "mixed";
  /** The device that it computes on. */
  readonly gpu: GpuDevice;
  readonly #facts: DeviceFacts;
  /** Pipelines by WGSL text: equal shapes share one, also between plans. */
  readonly #pipelines = new Map<string, GPUComputePipeline>();

  /**
   * Takes a device over: `destroy` closes it.
   * @throws {RangeError} when it is to compute in mixed precision and cannot
   */
  constructor(gpu: GpuDevice, { precision = "f32" }: GpuOptions = {}) {
    const reason = precision === "mixed" ? whyNotMixed(gpu) : undefined;
    if (reason !== undefined) throw new RangeError(`Cannot compute in mixed precision: ${reason}`);
    this.gpu = gpu;
    this.precision = precision;
    const { subgroupMatrix } = gpu;
    this.#facts = precision === "mixed" && subgroupMatrix !== undefined ? { subgroupMatrix } : {};
    this.description = gpu.description;
  }

  /** Where the storages of a plan live on the device. */
  memoryOf(plan: Plan): MemoryPlan {
    return planMemory(this.#stored(plan).plan);
  }

  async prepare(plan: Plan): Promise<GpuExecution> {
    const { device } = this.gpu;
    const stored = this.#stored(plan);
    const memory = planMemory(stored.plan);
    refuseWhatDoesNotFit(device, memory.slots);

    const buffers = new Map<Slot, GPUBuffer>();
    const allocations = memory.slots.map((slot) => {
      device.pushErrorScope("out-of-memory");
      const buffer = device.createBuffer({
        label: slot.storages[0]!.name,
        size: slot.length * 4,
        usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
      });
      buffers.set(slot, buffer);
      return device.popErrorScope();
    });
    const errors = await Promise.all(allocations);
    const failed = errors.findIndex((error) => error !== null);
    if (failed >= 0) {
      for (const buffer of buffers.values()) buffer.destroy();
      const { length, storages } = memory.slots[failed]!;
      const { message } = errors[failed]!;
      throw new RangeError(
        `Cannot allocate "${storages[0]!.name}" on "${this.description}", ${length * 4} bytes of ` +
          `${memory.totalBytes} in all: ${message}. ` +
          "Use a smaller batch or preset (on a GPU with a small BAR heap see denoland/deno#35195)",
      );
    }
    const bufferOf = (tensor: Tensor) => buffers.get(memory.slotOf.get(tensor.storage)!)!;

    const programs = new Map<string, Encoded[]>();
    for (const [name, calls] of stored.plan.programs) {
      const encoded: Encoded[] = [];
      for (const call of calls) encoded.push(...await this.#encode(call, bufferOf));
      programs.set(name, encoded);
    }
    return new GpuExecution(plan, this.gpu, programs, stored, bufferOf, [...buffers.values()]);
  }

  /** What is stored how. */
  #stored(plan: Plan): HalfPlan {
    return this.precision === "mixed" ? halfPlan(plan) : { plan, storageOf: new Map(), shadows: [] };
  }

  destroy(): void {
    this.gpu.device.destroy();
  }

  async #encode(call: Call, bufferOf: (tensor: Tensor) => GPUBuffer): Promise<Encoded[]> {
    const { device } = this.gpu;
    const bindings = bindingsOf(call.kernel, call.shape, (name) => call.operands[name]!.storage.type);
    const encoded: Encoded[] = [];
    for (const dispatch of call.kernel.dispatches(call.shape, this.#facts)) {
      const source = shaderSource(bindings, dispatch);
      const pipeline = this.#pipelines.get(source) ?? await this.#compile(call.kernel.name, source, bindings);
      const bindGroup = device.createBindGroup({
        label: call.label,
        layout: pipeline.getBindGroupLayout(0),
        entries: bindings.map(({ name }, binding) => {
          const tensor = call.operands[name]!;
          return { binding, resource: { buffer: bufferOf(tensor), ...bytesOf(tensor) } };
        }),
      });
      encoded.push({ pipeline, bindGroup, workgroups: dispatch.workgroups });
    }
    return encoded;
  }

  /** Compiles with an explicit layout, since an automatic one drops operands that a dispatch does not touch. */
  async #compile(
    name: string,
    source: string,
    bindings: readonly Binding[],
  ): Promise<GPUComputePipeline> {
    const { device } = this.gpu;
    device.pushErrorScope("validation");
    const module = device.createShaderModule({ label: name, code: source });
    const layout = device.createBindGroupLayout({
      label: name,
      entries: bindings.map(({ access }, binding) => ({
        binding,
        visibility: GPUShaderStage.COMPUTE,
        buffer: { type: access === "read" ? "read-only-storage" : "storage" } as const,
      })),
    });
    const pipeline = device.createComputePipeline({
      label: name,
      layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
      compute: { module, entryPoint: "main" },
    });
    const error = await device.popErrorScope();
    if (error !== null) throw new SyntaxError(`Cannot compile "${name}": ${error.message}\n${source}`);
    this.#pipelines.set(source, pipeline);
    return pipeline;
  }
}

/** A plan with GPU buffers. */
export class GpuExecution implements Execution {
  /** What it runs. */
  readonly plan: Plan;
  readonly #gpu: GpuDevice;
  readonly #programs: ReadonlyMap<string, readonly Encoded[]>;
  readonly #stored: HalfPlan;
  readonly #bufferOf: (tensor: Tensor) => GPUBuffer;
  readonly #buffers: readonly GPUBuffer[];
  /** Whether parameters were written that have a shadow. */
  #staleShadows = false;

  /** Made by {@linkcode GpuEngine.prepare}. */
  constructor(
    plan: Plan,
    gpu: GpuDevice,
    programs: ReadonlyMap<string, readonly Encoded[]>,
    stored: HalfPlan,
    bufferOf: (tensor: Tensor) => GPUBuffer,
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
    this.#staleShadows ||= this.#stored.shadows.some(({ source }) => source === tensor.storage);
    this.#gpu.device.queue.writeBuffer(
      this.#bufferOf(stored),
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
      encoder.copyBufferToBuffer(this.#bufferOf(tensor), offset, staging, 0, size);
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
function bytesOf({ storage, offset, length }: Tensor): { offset: number; size: number } {
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

/** Refuses a plan with a buffer beyond the device's limits, naming the limit. */
function refuseWhatDoesNotFit(device: GPUDevice, slots: readonly Slot[]): void {
  for (const slot of slots) {
    const bytes = slot.length * 4;
    for (const limit of ["maxBufferSize", "maxStorageBufferBindingSize"] as const) {
      if (bytes > device.limits[limit]) {
        throw new RangeError(
          `Cannot place "${slot.storages[0]!.name}" on the GPU: it takes ${bytes} bytes, but ${limit} is ` +
            `${device.limits[limit]}. Use a smaller batch, patch length or preset`,
        );
      }
    }
  }
}

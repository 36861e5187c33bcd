/**
 * Runs a plan on a `GPUDevice`: buffers, pipelines and bind groups are made once; a run encodes one compute pass and
 * submits once.
 * @module
 */
import { DeviceError, type Engine, type Execution } from "../../engine.ts";
import type { DeviceFacts } from "../../kernel.ts";
import { planMemory, type Slot } from "../../memory.ts";
import type { Call, Plan, Tensor } from "../../plan.ts";
import type { GpuDevice } from "./device.ts";
import { bindingsOf, shaderSource } from "./shader.ts";

/** A dispatch with everything resolved. */
interface Encoded {
  readonly pipeline: GPUComputePipeline;
  readonly bindGroup: GPUBindGroup;
  readonly workgroups: readonly [number, number, number];
}

/** How a {@linkcode GpuEngine} computes. */
export interface GpuOptions {
  /**
   * `f32`, the default, is exact everywhere; `mixed` rounds the operands of matrix products to f16 where the device has
   * tensor cores. Gradients are not scaled yet: small ones become zero.
   */
  readonly precision?: "f32" | "mixed";
}

/** Runs plans through WebGPU. */
export class GpuEngine implements Engine {
  readonly name = "gpu";
  readonly description: string;
  /** The device that it computes on. */
  readonly gpu: GpuDevice;
  readonly #facts: DeviceFacts;
  /** Pipelines by WGSL text: equal shapes share one, also between plans. */
  readonly #pipelines = new Map<string, GPUComputePipeline>();

  /** Takes a device over: `destroy` closes it. */
  constructor(gpu: GpuDevice, { precision = "f32" }: GpuOptions = {}) {
    this.gpu = gpu;
    const { subgroupMatrix } = gpu;
    this.#facts = precision === "mixed" && subgroupMatrix !== undefined ? { subgroupMatrix } : {};
    this.description = gpu.description;
  }

  async prepare(plan: Plan): Promise<GpuExecution> {
    const { device } = this.gpu;
    const memory = planMemory(plan);
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
    for (const [name, calls] of plan.programs) {
      const encoded: Encoded[] = [];
      for (const call of calls) encoded.push(...await this.#encode(call, bufferOf));
      programs.set(name, encoded);
    }
    return new GpuExecution(plan, this.gpu, programs, bufferOf, [...buffers.values()]);
  }

  destroy(): void {
    this.gpu.device.destroy();
  }

  async #encode(call: Call, bufferOf: (tensor: Tensor) => GPUBuffer): Promise<Encoded[]> {
    const { device } = this.gpu;
    const bindings = bindingsOf(call.kernel, call.shape);
    const encoded: Encoded[] = [];
    for (const dispatch of call.kernel.dispatches(call.shape, this.#facts)) {
      const source = shaderSource(bindings, dispatch);
      const pipeline = this.#pipelines.get(source) ?? await this.#compile(call.kernel.name, source, bindings);
      const bindGroup = device.createBindGroup({
        label: call.label,
        layout: pipeline.getBindGroupLayout(0),
        entries: bindings.map(([name], binding) => {
          const tensor = call.operands[name]!;
          const resource = { buffer: bufferOf(tensor), offset: tensor.offset * 4, size: tensor.length * 4 };
          return { binding, resource };
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
    bindings: ReturnType<typeof bindingsOf>,
  ): Promise<GPUComputePipeline> {
    const { device } = this.gpu;
    device.pushErrorScope("validation");
    const module = device.createShaderModule({ label: name, code: source });
    const layout = device.createBindGroupLayout({
      label: name,
      entries: bindings.map(([, operand], binding) => ({
        binding,
        visibility: GPUShaderStage.COMPUTE,
        buffer: { type: operand.access === "read" ? "read-only-storage" : "storage" } as const,
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
  readonly #bufferOf: (tensor: Tensor) => GPUBuffer;
  readonly #buffers: readonly GPUBuffer[];

  /** Made by {@linkcode GpuEngine.prepare}. */
  constructor(
    plan: Plan,
    gpu: GpuDevice,
    programs: ReadonlyMap<string, readonly Encoded[]>,
    bufferOf: (tensor: Tensor) => GPUBuffer,
    buffers: readonly GPUBuffer[],
  ) {
    this.plan = plan;
    this.#gpu = gpu;
    this.#programs = programs;
    this.#bufferOf = bufferOf;
    this.#buffers = buffers;
  }

  write(tensor: Tensor, values: Float32Array | Uint32Array): void {
    if (values.length > tensor.length) {
      throw new RangeError(
        `Cannot write ${values.length} values to "${tensor.name}": it holds ${tensor.length}`,
      );
    }
    // Deno aborts the process on an empty write.
    if (values.length === 0) return;
    this.#gpu.device.queue.writeBuffer(
      this.#bufferOf(tensor),
      tensor.offset * 4,
      values as Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer>,
    );
  }

  run(...programs: string[]): void {
    const { device } = this.#gpu;
    const label = programs.join("+");
    const encoder = device.createCommandEncoder({ label });
    const pass = encoder.beginComputePass({ label });
    for (const program of programs) {
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
    pass.end();
    device.queue.submit([encoder.finish()]);
  }

  async readFloats(tensor: Tensor): Promise<Float32Array> {
    return new Float32Array(await this.#readBytes(tensor));
  }

  async readIntegers(tensor: Tensor): Promise<Uint32Array> {
    return new Uint32Array(await this.#readBytes(tensor));
  }

  destroy(): void {
    for (const buffer of this.#buffers) buffer.destroy();
  }

  async #readBytes(tensor: Tensor): Promise<ArrayBuffer> {
    const { device } = this.#gpu;
    const size = tensor.length * 4;
    const staging = device.createBuffer({
      label: `read ${tensor.name}`,
      size,
      usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
    });
    try {
      const encoder = device.createCommandEncoder();
      encoder.copyBufferToBuffer(this.#bufferOf(tensor), tensor.offset * 4, staging, 0, size);
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

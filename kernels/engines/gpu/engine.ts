/**
 * Runs a plan on a `GPUDevice`: buffers, pipelines and bind groups are made once; a run encodes one compute pass and
 * submits once.
 * @module
 */
import type { Engine } from "../../engine.ts";
import type { DeviceFacts, Dispatch } from "../../kernel.ts";
import { type MemoryPlan, planMemory, type Slot } from "../../memory.ts";
import type { Call, Plan, Storage } from "../../plan.ts";
import type { GpuDevice } from "./device.ts";
import { bytesOf, type Encoded, GpuExecution } from "./execution.ts";
import { type HalfPlan, halfPlan } from "./half_storage.ts";
import { type Binding, bindingsOf, shaderSource } from "./shader.ts";

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

/** A call that can be computed in several ways. */
export interface UntunedCall {
  /** Its label in the plan. */
  readonly label: string;
  /** Names of the ways, the likeliest first. */
  readonly variants: readonly string[];
}

/** What a call's dispatches hand each other. */
const scratchBinding: Binding = { name: "scratch", access: "update", type: "f32", named: false };

/** A plan's dispatches and memory. */
interface Placed {
  readonly dispatches: ReadonlyMap<Call, readonly Dispatch[]>;
  /** Where dispatches hand each other numbers; it has memory where any do. */
  readonly scratch: Storage;
  readonly memory: MemoryPlan;
}

/** Runs plans through WebGPU. */
export class GpuEngine implements Engine {
  readonly name = "gpu";
  readonly description: string;
  readonly precision: "f32" | "mixed";
  /** The device that it computes on. */
  readonly gpu: GpuDevice;
  /** The fastest variant by what `tune` calls a kernel call; the first one where it is not known. */
  readonly tuning: Map<string, string> = new Map();
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
    const { subgroups, subgroupMatrix } = gpu;
    this.#facts = {
      ...(subgroups && { subgroupLanes: subgroups.lanes }),
      ...(precision === "mixed" && subgroupMatrix && { subgroupMatrix }),
    };
    this.description = gpu.description;
  }

  /** Where the storages of a plan live on the device, and what the dispatches of its calls hand each other. */
  memoryOf(plan: Plan): MemoryPlan {
    return this.#place(this.#stored(plan).plan).memory;
  }

  /** Calls whose fastest variant is not known, one for each kernel, shape and way of storing, by the key in `tuning`. */
  untunedCalls(plan: Plan): Map<string, UntunedCall> {
    const untuned = new Map<string, UntunedCall>();
    for (const call of [...this.#stored(plan).plan.programs.values()].flat()) {
      const variants = call.kernel.variants?.(call.shape, this.#factsOf(call)) ?? [];
      const key = tuningKey(call, this.#facts);
      if (variants.length < 2 || this.tuning.has(key)) continue;
      untuned.set(key, { label: call.label, variants: variants.map(({ name }) => name) });
    }
    return untuned;
  }

  #factsOf({ operands }: Call): DeviceFacts {
    const halves = Object.keys(operands).filter((name) => operands[name]!.storage.type === "f16");
    return { ...this.#facts, halves: new Set(halves) };
  }

  #dispatchesOf(call: Call): Dispatch[] {
    const { kernel, shape } = call;
    const facts = this.#factsOf(call);
    const name = this.tuning.get(tuningKey(call, facts));
    const variant = name === undefined
      ? undefined
      : kernel.variants?.(shape, facts).find((variant) => variant.name === name);
    return variant?.dispatches() ?? kernel.dispatches(shape, facts);
  }

  async prepare(plan: Plan): Promise<GpuExecution> {
    const stored = this.#stored(plan);
    const { dispatches, scratch, memory } = this.#place(stored.plan);
    refuseWhatDoesNotFit(this.gpu.device, memory.slots);

    const buffers = new Map<Slot, GPUBuffer>();
    try {
      await this.#allocate(memory, buffers);
      const bufferOf = (storage: Storage) => buffers.get(memory.slotOf.get(storage)!)!;
      const programs = new Map<string, Encoded[]>();
      for (const [name, calls] of stored.plan.programs) {
        const encoded: Encoded[] = [];
        for (const call of calls) {
          encoded.push(...await this.#encode(call, dispatches.get(call)!, bufferOf, scratch));
        }
        programs.set(name, encoded);
      }
      return new GpuExecution(plan, this.gpu, programs, stored, bufferOf, [...buffers.values()]);
    } catch (error) {
      for (const buffer of buffers.values()) buffer.destroy();
      throw error;
    }
  }

  /** The dispatches of a stored plan, and its memory with the largest scratch of any call: calls take turns in it. */
  #place({ storages, programs, ...others }: Plan): Placed {
    const dispatches = new Map([...programs.values()].flat().map((call) => [call, this.#dispatchesOf(call)]));
    const length = [...dispatches.values()].flat()
      .reduce((most, { scratchLength = 0 }) => Math.max(most, scratchLength), 0);
    // Not an activation: those have memory only where a call names them.
    const scratch: Storage = { name: "scratch", type: "f32", length, role: "output" };
    const all = length > 0 ? [...storages, scratch] : storages;
    return { dispatches, scratch, memory: planMemory({ ...others, programs, storages: all }) };
  }

  /**
   * Makes a buffer for every slot.
   * @param buffers gets them, also those that there was memory for before there was none
   * @throws {RangeError} when the device has no memory for one
   */
  async #allocate(memory: MemoryPlan, buffers: Map<Slot, GPUBuffer>): Promise<void> {
    const { device } = this.gpu;
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
      const { length, storages } = memory.slots[failed]!;
      const { message } = errors[failed]!;
      throw new RangeError(
        `Cannot allocate "${storages[0]!.name}" on "${this.description}", ${length * 4} bytes of ` +
          `${memory.totalBytes} in all: ${message}. ` +
          "Use a smaller batch or preset (on a GPU with a small BAR heap see denoland/deno#35195)",
      );
    }
  }

  /** What is stored how. */
  #stored(plan: Plan): HalfPlan {
    return this.precision === "mixed" ? halfPlan(plan) : { plan, storageOf: new Map(), shadows: [] };
  }

  destroy(): void {
    this.gpu.device.destroy();
  }

  async #encode(
    call: Call,
    dispatches: readonly Dispatch[],
    bufferOf: (storage: Storage) => GPUBuffer,
    scratch: Storage,
  ): Promise<Encoded[]> {
    const { device, subgroups } = this.gpu;
    const operands = bindingsOf(call.kernel, call.shape, (name) => call.operands[name]!.storage.type);
    const encoded: Encoded[] = [];
    for (const dispatch of dispatches) {
      const { scratchLength } = dispatch;
      const bindings = scratchLength === undefined ? operands : [...operands, scratchBinding];
      const source = shaderSource(bindings, dispatch, subgroups?.extensions);
      const pipeline = this.#pipelines.get(source) ?? await this.#compile(call.kernel.name, source, bindings);
      const bindGroup = device.createBindGroup({
        label: call.label,
        layout: pipeline.getBindGroupLayout(0),
        entries: bindings.map((each, binding) => {
          if (each === scratchBinding) {
            return { binding, resource: { buffer: bufferOf(scratch), size: 4 * scratchLength! } };
          }
          const tensor = call.operands[each.name]!;
          return { binding, resource: { buffer: bufferOf(tensor.storage), ...bytesOf(tensor) } };
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

/** What a call is known by: its kernel and shape, how its operands are stored, and whether it runs on tensor cores. */
function tuningKey({ kernel, shape, operands }: Call, { subgroupMatrix }: DeviceFacts): string {
  const types = Object.values(operands).map(({ storage }) => storage.type);
  return [kernel.name, JSON.stringify(shape), ...types, ...(subgroupMatrix ? ["matrix"] : [])].join(" ");
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

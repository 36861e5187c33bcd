/**
 * Runs plans on the processor: WebAssembly with SIMD over shared memory, one worker for each thread.
 * @module
 */
import { callsOf, DeviceError, type Engine, type Execution } from "../../engine.ts";
import type { Call, Plan, Tensor } from "../../plan.ts";
import {
  type Address,
  AssemblyBuild,
  narrowBytes,
  pageBytes,
  prefersWide,
  smallerPlanAdvice,
  wideBytes,
} from "./assembly_build.ts";
import { placePlan } from "./placement.ts";
import { controlLength, controlWords, workerSource } from "./worker_source.ts";

/** How the cpu engine computes. */
export interface CpuOptions {
  /** Worker threads; by default one for each core. */
  readonly threads?: number;
  /** Only operations that give the same bits on every machine; otherwise fused multiply-add where there is any. */
  readonly strict?: boolean;
  /** Most bytes of memory that a plan may take; by default, and at most, what the runtime's WebAssembly reaches. */
  readonly memoryBytes?: number;
}

/** What a worker says. */
type WorkerMessage = { readonly failed: string } | { readonly request: number; readonly values: ArrayBuffer };

/** A stage with its addresses resolved. */
interface ResolvedStage {
  readonly label: string;
  readonly name: string;
  readonly values: readonly Address[];
}

/** Kernels take sizes and places of numbers as signed integers of 32 bits. */
const mostNumbers = 2 ** 31 - 1;

/** Where workers load {@linkcode workerSource}. */
let workerUrl: string | undefined;

/** Runs plans in WebAssembly on worker threads. */
export class CpuEngine implements Engine {
  readonly name = "cpu";
  readonly description: string;
  readonly precision = "f32";
  /** Worker threads. */
  readonly threads: number;
  /** Whether results are the same bits on every machine. */
  readonly strict: boolean;
  /** Most bytes of memory that a plan may take. */
  readonly memoryBytes: number;
  /** For plans that both reach. */
  readonly #build: AssemblyBuild;
  #wide: Promise<AssemblyBuild> | undefined;
  readonly #workers: Worker[] = [];
  /** What the workers meet by; see {@linkcode controlWords}. */
  readonly #control: Int32Array<SharedArrayBuffer>;
  readonly #pending = new Map<number, { resolve(values: ArrayBuffer): void; reject(error: Error): void }>();
  #failure: Error | undefined;
  #lastRequest = 0;
  #lastPlan = 0;

  private constructor(build: AssemblyBuild, threads: number, memoryBytes: number) {
    this.#build = build;
    this.threads = threads;
    this.strict = build.strict;
    this.memoryBytes = memoryBytes;
    this.description = `WebAssembly, ${this.strict ? "strict" : "relaxed"} SIMD, ${threads} thread${
      threads === 1 ? "" : "s"
    }`;
    this.#control = new Int32Array(new SharedArrayBuffer(controlLength(threads) * 4));
    this.#startWorkers();
  }

  /**
   * Compiles the kernels and starts the threads.
   * @throws {RangeError} when the number of threads is not a positive integer
   * @throws {Error} in a page that may not share memory between threads
   */
  static async create(options: CpuOptions = {}): Promise<CpuEngine> {
    const threads = options.threads ?? navigator.hardwareConcurrency;
    if (!Number.isInteger(threads) || threads < 1) {
      throw new RangeError(`Cannot compute on ${threads} threads: it must be a whole number from 1`);
    }
    if (globalThis.SharedArrayBuffer === undefined) {
      throw new Error(
        "Cannot start the cpu engine: this page may not share memory between threads. Serve it with the headers " +
          "Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp",
      );
    }
    const hasWide = AssemblyBuild.hasWide();
    const build = await AssemblyBuild.compile(options.strict === true, hasWide && prefersWide());
    const memoryBytes = Math.min(options.memoryBytes ?? Infinity, hasWide ? wideBytes : narrowBytes);
    return new CpuEngine(build, threads, memoryBytes);
  }

  /**
   * Gives the plan memory of its own.
   * @throws {RangeError} when it takes more than it may, or than the system gives, or computes with too large a tensor
   * @throws {DeviceError} when a thread has failed
   */
  async prepare(plan: Plan): Promise<CpuExecution> {
    const bytes = this.planBytes(plan);
    if (bytes > this.memoryBytes) {
      throw new RangeError(
        `Cannot place the plan in memory: it takes ${bytes} bytes, at most ${this.memoryBytes} can be used. ` +
          smallerPlanAdvice,
      );
    }
    refuseWhatIsTooLong(plan);
    const build = bytes > narrowBytes ? await this.#wideBuild() : this.#build;
    const memory = build.memory(bytes);
    const { addresses, end: scratch } = placePlan(plan);
    const addressOf = (tensor: Tensor) => addresses.get(tensor.storage)! + tensor.offset * 4;
    const programs: Record<string, ResolvedStage[]> = {};
    for (const [name, calls] of plan.programs) {
      programs[name] = calls.flatMap((call) => resolve(call, build, addressOf));
    }
    const scratches = this.#workers.map((_, part) => build.address(scratch + part * build.scratchBytes));
    const id = ++this.#lastPlan;
    this.send({ kind: "prepare", plan: id, module: build.module, memory, scratches, programs });
    return new CpuExecution(plan, this, id, addressOf);
  }

  /** Bytes of memory that a plan takes, what the threads need for themselves included. */
  planBytes(plan: Plan): number {
    const bytes = placePlan(plan).end + this.threads * this.#build.scratchBytes;
    return Math.ceil(bytes / pageBytes) * pageBytes;
  }

  destroy(): void {
    // A worker that waits for others must stop waiting, or it outlives its end and the program's.
    Atomics.store(this.#control, controlWords.failed, 1);
    Atomics.add(this.#control, controlWords.finished, 1);
    Atomics.notify(this.#control, controlWords.finished);
    for (const worker of this.#workers) worker.terminate();
    this.#fail(new Error("The cpu engine was closed"));
  }

  /** Whether a thread has failed, or the engine was closed: nothing can be computed or told any more. */
  get failed(): boolean {
    return this.#failure !== undefined;
  }

  /**
   * Gives a message to every thread, or to the first one alone.
   * @param transfer what goes to the first one without being copied
   * @throws {DeviceError} when a thread has failed
   */
  send(message: Record<string, unknown>, toFirst = false, transfer: Transferable[] = []): void {
    if (this.#failure !== undefined) throw this.#failure;
    for (const worker of toFirst ? this.#workers.slice(0, 1) : this.#workers) {
      worker.postMessage(message, transfer);
    }
  }

  /** Copies 32-bit words out, once everything before is done. */
  read(plan: number, address: number, length: number): Promise<ArrayBuffer> {
    const request = ++this.#lastRequest;
    return new Promise((resolve, reject) => {
      this.#pending.set(request, { resolve, reject });
      this.send({ kind: "read", plan, address, length, request }, true);
    });
  }

  async #wideBuild(): Promise<AssemblyBuild> {
    return this.#build.wide ? this.#build : await (this.#wide ??= AssemblyBuild.compile(this.strict, true));
  }

  #startWorkers(): void {
    // Kept for good: a thread may load it when its constructor has long returned.
    workerUrl ??= URL.createObjectURL(new Blob([workerSource], { type: "text/javascript" }));
    for (let part = 0; part < this.threads; part++) {
      const worker = new Worker(workerUrl, { type: "module", name: `bgpt cpu ${part}` });
      worker.onmessage = ({ data }: MessageEvent<WorkerMessage>) => this.#receive(data);
      worker.onerror = (event) => {
        event.preventDefault();
        this.#fail(new DeviceError(`Thread ${part} of the cpu engine failed: ${event.message}`));
      };
      worker.postMessage({ kind: "start", control: this.#control.buffer, part, parts: this.threads });
      this.#workers.push(worker);
    }
  }

  #receive(message: WorkerMessage): void {
    if ("failed" in message) return this.#fail(new DeviceError(message.failed));
    this.#pending.get(message.request)?.resolve(message.values);
    this.#pending.delete(message.request);
  }

  /** The first failure ends the engine: what waits for it, and what comes, is told. */
  #fail(error: Error): void {
    this.#failure ??= error;
    for (const { reject } of this.#pending.values()) reject(this.#failure);
    this.#pending.clear();
  }
}

/** A plan in shared WebAssembly memory. */
export class CpuExecution implements Execution {
  /** What it runs. */
  readonly plan: Plan;
  readonly #engine: CpuEngine;
  readonly #id: number;
  readonly #addressOf: (tensor: Tensor) => number;

  /** Made by {@linkcode CpuEngine.prepare}. */
  constructor(plan: Plan, engine: CpuEngine, id: number, addressOf: (tensor: Tensor) => number) {
    this.plan = plan;
    this.#engine = engine;
    this.#id = id;
    this.#addressOf = addressOf;
  }

  write(tensor: Tensor, values: Float32Array | Uint32Array): void {
    if (values.length > tensor.length) {
      throw new RangeError(
        `Cannot write ${values.length} values to "${tensor.name}": it holds ${tensor.length}`,
      );
    }
    // The caller may change the values at once; a message with a part of an array would take the rest along.
    const copy = values.slice();
    const address = this.#addressOf(tensor);
    this.#engine.send({ kind: "write", plan: this.#id, address, values: copy }, true, [copy.buffer]);
  }

  run(...programs: string[]): void {
    for (const program of programs) callsOf(this.plan, program);
    this.#engine.send({ kind: "run", plan: this.#id, programs });
  }

  async readFloats(tensor: Tensor): Promise<Float32Array> {
    return new Float32Array(await this.#engine.read(this.#id, this.#addressOf(tensor), tensor.length));
  }

  async readIntegers(tensor: Tensor): Promise<Uint32Array> {
    return new Uint32Array(await this.#engine.read(this.#id, this.#addressOf(tensor), tensor.length));
  }

  destroy(): void {
    // Threads that failed or were ended have no memory of it any more.
    if (!this.#engine.failed) this.#engine.send({ kind: "destroy", plan: this.#id });
  }
}

/** Refuses a plan whose calls take more numbers than kernels count. */
function refuseWhatIsTooLong({ programs }: Plan): void {
  for (const { operands } of [...programs.values()].flat()) {
    for (const { name, length } of Object.values(operands)) {
      if (length <= mostNumbers) continue;
      throw new RangeError(
        `Cannot compute with "${name}": it has ${length} numbers, kernels count to ${mostNumbers}. ${smallerPlanAdvice}`,
      );
    }
  }
}

/** The stages of a call, operand names replaced by addresses. */
function resolve(
  { kernel, shape, operands, label }: Call,
  build: AssemblyBuild,
  addressOf: (tensor: Tensor) => number,
): ResolvedStage[] {
  const valueOf = (argument: string | number | null): Address => {
    if (typeof argument === "number") return argument;
    return build.address(argument === null ? 0 : addressOf(operands[argument]!));
  };
  return kernel.assembly(shape).map(({ function: name, arguments: given }) => ({
    label,
    name,
    values: given.map(valueOf),
  }));
}

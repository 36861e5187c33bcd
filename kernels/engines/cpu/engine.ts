/**
 * Runs plans on the processor: WebAssembly with SIMD over shared memory, one worker for each thread.
 * @module
 */
import { callsOf, type Engine, type Execution } from "../../engine.ts";
import { planMemory } from "../../memory.ts";
import type { Call, Plan, Storage, Tensor } from "../../plan.ts";
import { fastModule, strictModule } from "./assembly_modules.ts";
import { controlLength, controlWords, workerSource } from "./worker_source.ts";

/** How the cpu engine computes. */
export interface CpuOptions {
  /** Worker threads; by default one for each core. */
  readonly threads?: number;
  /** Only operations that give the same bits on every machine; otherwise fused multiply-add where there is any. */
  readonly strict?: boolean;
}

/** What a worker says. */
type WorkerMessage = { readonly failed: string } | { readonly request: number; readonly values: ArrayBuffer };

/** A stage with its addresses resolved. */
interface ResolvedStage {
  readonly label: string;
  readonly name: string;
  readonly values: readonly number[];
}

/** Memory below this address belongs to the module. */
const firstAddress = 0x10000;
/** Storages start at cache lines. */
const alignment = 64;
const pageBytes = 65536;
/** WebAssembly addresses 4 GiB. */
const mostPages = 65536;

/** Where workers load {@linkcode workerSource}. */
let workerUrl: string | undefined;

/** Runs plans in WebAssembly on worker threads. */
export class CpuEngine implements Engine {
  readonly name = "cpu";
  readonly description: string;
  /** Worker threads. */
  readonly threads: number;
  /** Whether results are the same bits on every machine. */
  readonly strict: boolean;
  readonly #module: WebAssembly.Module;
  readonly #scratchBytes: number;
  readonly #workers: Worker[] = [];
  /** What the workers meet by; see {@linkcode controlWords}. */
  readonly #control: Int32Array<SharedArrayBuffer>;
  readonly #pending = new Map<number, { resolve(values: ArrayBuffer): void; reject(error: Error): void }>();
  #failure: Error | undefined;
  #lastRequest = 0;
  #lastPlan = 0;

  private constructor(module: WebAssembly.Module, threads: number, strict: boolean) {
    this.#module = module;
    this.threads = threads;
    this.strict = strict;
    this.description = `WebAssembly, ${strict ? "strict" : "relaxed"} SIMD, ${threads} thread${
      threads === 1 ? "" : "s"
    }`;
    this.#scratchBytes = scratchBytesOf(module);
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
    const fast = Uint8Array.fromBase64(fastModule);
    const strict = options.strict === true || !WebAssembly.validate(fast);
    const module = await WebAssembly.compile(strict ? Uint8Array.fromBase64(strictModule) : fast);
    return new CpuEngine(module, threads, strict);
  }

  prepare(plan: Plan): Promise<CpuExecution> {
    const memory = planMemory(plan);
    const addresses = new Map<Storage, number>();
    let end = firstAddress;
    for (const slot of memory.slots) {
      for (const storage of slot.storages) addresses.set(storage, end);
      end += Math.ceil(slot.length * 4 / alignment) * alignment;
    }
    const scratch = end;
    const pages = Math.ceil((end + this.threads * this.#scratchBytes) / pageBytes);
    if (pages > mostPages) {
      throw new RangeError(
        `Cannot place the plan in WebAssembly memory: it takes ${pages * pageBytes} bytes, at most ` +
          `${mostPages * pageBytes} can be addressed. Use a smaller batch, patch length or preset, or a GPU`,
      );
    }
    const shared = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
    const addressOf = (tensor: Tensor) => addresses.get(tensor.storage)! + tensor.offset * 4;
    const programs: Record<string, ResolvedStage[]> = {};
    for (const [name, calls] of plan.programs) {
      programs[name] = calls.flatMap((call) => resolve(call, addressOf));
    }
    const id = ++this.#lastPlan;
    this.send({ kind: "prepare", plan: id, module: this.#module, memory: shared, scratch, programs });
    return Promise.resolve(new CpuExecution(plan, this, id, addressOf));
  }

  destroy(): void {
    // A worker that waits for others must stop waiting, or it outlives its end and the program's.
    Atomics.store(this.#control, controlWords.failed, 1);
    Atomics.add(this.#control, controlWords.finished, 1);
    Atomics.notify(this.#control, controlWords.finished);
    for (const worker of this.#workers) worker.terminate();
    this.#fail(new Error("The cpu engine was closed"));
  }

  /** Gives a message to every thread, or to the first one alone. */
  send(message: Record<string, unknown>, toFirst = false): void {
    if (this.#failure !== undefined) throw this.#failure;
    for (const worker of toFirst ? this.#workers.slice(0, 1) : this.#workers) worker.postMessage(message);
  }

  /** Copies 32-bit words out, once everything before is done. */
  read(plan: number, address: number, length: number): Promise<ArrayBuffer> {
    const request = ++this.#lastRequest;
    return new Promise((resolve, reject) => {
      this.#pending.set(request, { resolve, reject });
      this.send({ kind: "read", plan, address, length, request }, true);
    });
  }

  #startWorkers(): void {
    // Kept for good: a thread may load it when its constructor has long returned.
    workerUrl ??= URL.createObjectURL(new Blob([workerSource], { type: "text/javascript" }));
    for (let part = 0; part < this.threads; part++) {
      const worker = new Worker(workerUrl, { type: "module", name: `bgpt cpu ${part}` });
      worker.onmessage = ({ data }: MessageEvent<WorkerMessage>) => this.#receive(data);
      worker.onerror = (event) => {
        event.preventDefault();
        this.#fail(new Error(`Thread ${part} of the cpu engine failed: ${event.message}`));
      };
      worker.postMessage({ kind: "start", control: this.#control.buffer, part, parts: this.threads });
      this.#workers.push(worker);
    }
  }

  #receive(message: WorkerMessage): void {
    if ("failed" in message) return this.#fail(new Error(message.failed));
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
    // The message copies the values, so the caller may change them at once.
    this.#engine.send({ kind: "write", plan: this.#id, address: this.#addressOf(tensor), values }, true);
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
    this.#engine.send({ kind: "destroy", plan: this.#id });
  }
}

/** The stages of a call, operand names replaced by addresses. */
function resolve(call: Call, addressOf: (tensor: Tensor) => number): ResolvedStage[] {
  const { kernel, shape, operands, label } = call;
  return kernel.assembly(shape).map(({ function: name, arguments: given }) => ({
    label,
    name,
    values: given.map((value) => typeof value === "number" ? value : addressOf(operands[value]!)),
  }));
}

/** Bytes that each thread needs to pack matrices in. */
function scratchBytesOf(module: WebAssembly.Module): number {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: mostPages, shared: true });
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  return (exports["scratchBytes"] as () => number)();
}

/**
 * What can compute in this browser.
 * @module
 */
import { adapterKind, CpuEngine, type Engine, findAdapter, GpuEngine, openDevice } from "@bgpt/kernels";

/** WebGPU, or WebAssembly on threads. */
export type EngineKind = "gpu" | "cpu";

/** What there is of an engine here. */
export interface EngineOffer {
  /** Whether it can compute. */
  readonly available: boolean;
  /** What it runs on, or why it cannot. */
  readonly description: string;
}

/** Both engines, and the better of those that can compute. */
export interface EngineOffers {
  readonly offers: Readonly<Record<EngineKind, EngineOffer>>;
  readonly best: EngineKind | undefined;
}

/** Looks for engines: a real GPU is best, then the processor's cores, then a program that stands in for a GPU. */
export async function engineOffers(): Promise<EngineOffers> {
  const adapter = await findAdapter();
  const software = adapter !== undefined && adapterKind(adapter) === "software";
  const gpu = adapter === undefined
    ? { available: false, description: "This browser offers no GPU by WebGPU." }
    : {
      available: true,
      description: `WebGPU on ${adapterName(adapter)}${
        software ? ", which is no GPU but a program on the processor, and slow" : ""
      }.`,
    };
  const cpu = globalThis.crossOriginIsolated
    ? {
      available: true,
      description: `WebAssembly on ${navigator.hardwareConcurrency} threads of the processor.`,
    }
    : {
      available: false,
      description:
        "WebAssembly cannot share memory between threads here: serve this page by https, with the headers " +
        "Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp.",
    };
  const best = gpu.available && !(software && cpu.available) ? "gpu" : cpu.available ? "cpu" : undefined;
  return { offers: { gpu, cpu }, best };
}

/**
 * Opens an engine.
 * @throws {Error} when it cannot be had
 */
export async function openEngine(kind: EngineKind): Promise<Engine> {
  if (kind === "cpu") return await CpuEngine.create();
  const adapter = await findAdapter();
  if (adapter === undefined) {
    throw new Error("Cannot open the GPU: the browser offers it no more. Choose WebAssembly");
  }
  return new GpuEngine(await openDevice(adapter));
}

/** Browsers tell little of an adapter: often its vendor and architecture alone. */
function adapterName({ info }: GPUAdapter): string {
  return info.description || `${info.vendor} ${info.architecture}`.trim() || "an adapter without a name";
}

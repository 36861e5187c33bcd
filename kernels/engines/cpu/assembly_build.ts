/**
 * The builds of kernels/assembly, and the memory that they work in.
 * @module
 */
import { fastModule, fastModule64, strictModule, strictModule64 } from "./assembly_modules.ts";
import { inflateModule } from "./inflate_module.ts";

/** An address as a build takes it: a bigint where addresses have 64 bits. */
export type Address = number | bigint;

/** Bytes of a page of WebAssembly memory. */
export const pageBytes = 65536;
/** Bytes that addresses of 32 bits reach. */
export const narrowBytes: number = 2 ** 32;
/** Bytes of the largest memory with addresses of 64 bits: V8 allows no more. */
export const wideBytes: number = 2 ** 34;

/** What to do about a plan that is too large. */
export const smallerPlanAdvice = "Use a smaller batch, patch length or preset, or a GPU";

/** The kernels, compiled. */
export class AssemblyBuild {
  /** The module. */
  readonly module: WebAssembly.Module;
  /** Whether results are the same bits on every machine. */
  readonly strict: boolean;
  /** Whether addresses have 64 bits. */
  readonly wide: boolean;
  /** Bytes that each thread needs to pack matrices in. */
  readonly scratchBytes: number;

  private constructor(module: WebAssembly.Module, strict: boolean, wide: boolean) {
    this.module = module;
    this.strict = strict;
    this.wide = wide;
    const memory = allocate(pageBytes, wide ? wideBytes : narrowBytes, wide);
    const { exports } = new WebAssembly.Instance(module, { env: { memory } });
    this.scratchBytes = (exports["scratchBytes"] as () => number)();
  }

  /** Compiles a build; a strict one where the runtime has no relaxed SIMD. */
  static async compile(strict: boolean, wide: boolean): Promise<AssemblyBuild> {
    const [fastText, strictText] = wide ? [fastModule64, strictModule64] : [fastModule, strictModule];
    const bytes = await inflateModule(strict ? strictText : fastText);
    if (!strict && !WebAssembly.validate(bytes)) return await AssemblyBuild.compile(true, wide);
    return new AssemblyBuild(await WebAssembly.compile(bytes), strict, wide);
  }

  /** Whether the runtime has memory with addresses of 64 bits. */
  static hasWide(): boolean {
    try {
      allocate(pageBytes, pageBytes, true);
      return true;
    } catch (error) {
      // One that does not know them takes sizes for numbers, which a bigint cannot become.
      if (error instanceof TypeError) return false;
      throw error;
    }
  }

  /**
   * Memory for this build: whole pages, zeros. Those that are never touched cost nothing.
   * @throws {RangeError} when the system does not give so much
   */
  memory(bytes: number): WebAssembly.Memory {
    try {
      return allocate(bytes, bytes, this.wide);
    } catch (error) {
      const message = `Cannot place the plan in memory: the system does not give ${bytes} bytes`;
      throw new RangeError(`${message}. ${smallerPlanAdvice}`, { cause: error });
    }
  }

  /** A byte's address. */
  address(place: number): Address {
    return this.wide ? BigInt(place) : place;
  }
}

function allocate(bytes: number, mostBytes: number, wide: boolean): WebAssembly.Memory {
  const pages = (bytes: number) => wide ? BigInt(bytes / pageBytes) : bytes / pageBytes;
  const descriptor = { initial: pages(bytes), maximum: pages(mostBytes), shared: true };
  return new WebAssembly.Memory(
    // TypeScript knows no memory with addresses of 64 bits.
    (wide ? { ...descriptor, address: "i64" } : descriptor) as unknown as WebAssembly.MemoryDescriptor,
  );
}

/**
 * Whether addresses of 64 bits are faster also where 32 would do. In Deno, which checks either at every load, a training
 * step takes 0.96 of the time at `tiny` and 0.94 at `small` (Zen 4, Deno 2.9.6, 2026-11-23); in Chromium 156, which
 * leaves the checks to the memory protection, they make no difference; other browsers were not measured.
 */
export function prefersWide(): boolean {
  return navigator.userAgent.startsWith("Deno/");
}

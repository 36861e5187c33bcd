/**
 * AssemblyScript's compiler with addresses of 64 bits as a choice. AssemblyScript 0.28.20 generates such code, but has no
 * option for it (its issue 2673 is open): the target is read from its options, and memory is always declared with
 * 32 bits. Both are set here from outside.
 * @module
 */
import binaryen from "binaryen";

/** What binaryen's bindings are called by; its types leave them out. */
interface Bindings {
  _BinaryenSetMemory(...values: number[]): void;
  _BinaryenModuleSetFeatures(module: number, features: number): void;
}

/** Place of `memory64` in the arguments of `_BinaryenSetMemory`. */
const wideArgument = 11;
/** AssemblyScript's number of the target with addresses of 32 bits, and with 64. */
const targets = { narrow: 0, wide: 2 } as const;

/** Whether what is being compiled has addresses of 64 bits. */
let wide = false;

const bindings = binaryen as unknown as Bindings;
const { _BinaryenSetMemory: setMemory, _BinaryenModuleSetFeatures: setFeatures } = bindings;
bindings._BinaryenSetMemory = (...values) => {
  values[wideArgument] = Number(wide);
  setMemory(...values);
};
bindings._BinaryenModuleSetFeatures = (module, features) =>
  setFeatures(module, wide ? features | binaryen.Features.Memory64 : features);

// Not before, as the compiler takes binaryen's functions along when it is loaded.
const { default: asc } = await import("assemblyscript/asc");
const { newOptions } = await import("assemblyscript");
Object.defineProperty(Object.getPrototypeOf(newOptions()), "target", {
  get: () => wide ? targets.wide : targets.narrow,
  set() {},
});

/** A build of the sources. */
export interface AssemblyBuild {
  /** Whether it has relaxed SIMD. */
  readonly fast: boolean;
  /** Whether addresses have 64 bits. */
  readonly wide: boolean;
}

/**
 * Compiles `index.ts` in the folder `sources`.
 * @returns the WebAssembly module
 * @throws {Error} with what the compiler says
 */
export async function compileAssembly(sources: URL, build: AssemblyBuild): Promise<Uint8Array<ArrayBuffer>> {
  wide = build.wide;
  let wasm: Uint8Array<ArrayBuffer> | undefined;
  const { error, stderr } = await asc.main([
    ...["index.ts", "--outFile", "out.wasm", "-O3", "--converge", "--noAssert", "--runtime", "stub"],
    ...[
      "--enable",
      build.fast ? "simd,relaxed-simd,threads" : "simd,threads",
      "--use",
      `FAST=${Number(build.fast)}`,
    ],
    ...["--importMemory", "--sharedMemory", "--initialMemory", "1"],
    // V8 allows no more than 16 GiB.
    ...["--maximumMemory", build.wide ? "262144" : "65536"],
  ], {
    readFile(name: string): string | null {
      try {
        return Deno.readTextFileSync(new URL(name, sources));
      } catch {
        return null;
      }
    },
    writeFile(_name: string, contents: Uint8Array | string): void {
      if (contents instanceof Uint8Array) wasm = contents.slice();
    },
    listFiles: () => [],
  });
  if (error !== null || wasm === undefined) {
    throw new Error(`Cannot compile kernels/assembly: ${stderr}`, { cause: error });
  }
  return wasm;
}

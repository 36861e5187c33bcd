/**
 * Compiles `kernels/assembly` with AssemblyScript and writes both builds, as base64, to
 * `kernels/engines/cpu/assembly_modules.ts`: JSR publishes no binary imports, and a worker needs no fetch.
 *
 *     deno run -A tools/build_assembly.ts [--check]
 *
 * `--check` writes nothing and fails where the file is not what the sources give, byte for byte.
 */
import asc from "assemblyscript/asc";
import { fromFileUrl } from "@std/path";

const root = new URL("../", import.meta.url);
const sources = new URL("kernels/assembly/", root);
const output = new URL("kernels/engines/cpu/assembly_modules.ts", root);

/** Compiles one build. */
async function compile(fast: boolean): Promise<Uint8Array> {
  let wasm: Uint8Array | undefined;
  const features = fast ? "simd,relaxed-simd,threads" : "simd,threads";
  const arguments_ = [
    "index.ts",
    "--outFile",
    "out.wasm",
    "-O3",
    "--converge",
    "--noAssert",
    "--runtime",
    "stub",
  ];
  arguments_.push("--enable", features, "--importMemory", "--sharedMemory", "--maximumMemory", "65536");
  arguments_.push("--initialMemory", "1", "--use", `FAST=${fast ? 1 : 0}`);
  const { error, stderr } = await asc.main(arguments_, {
    readFile(name: string): string | null {
      try {
        return Deno.readTextFileSync(new URL(name, sources));
      } catch {
        return null;
      }
    },
    writeFile(_name: string, contents: Uint8Array | string): void {
      if (contents instanceof Uint8Array) wasm = contents;
    },
    listFiles: () => [],
  });
  if (error !== null || wasm === undefined) {
    throw new Error(`Cannot compile kernels/assembly: ${stderr}`, { cause: error });
  }
  return wasm;
}

function declaration(name: string, what: string, bytes: Uint8Array): string {
  const lines = bytes.toBase64().match(/.{1,110}/g)!.map((line) => `  "${line}"`);
  return `/** ${what}, ${bytes.length} bytes of WebAssembly. */\nexport const ${name}: string = [\n${
    lines.join(",\n")
  },\n].join("");\n`;
}

const [fast, strict] = [await compile(true), await compile(false)];
const text = `// Generated from kernels/assembly by \`deno task build:assembly\`; do not edit.
// Long because it holds two compiled modules.
// deno-fmt-ignore-file
${declaration("fastModule", "The build with relaxed SIMD", fast)}
${declaration("strictModule", "The build with the same bits on every machine", strict)}`;

if (Deno.args.includes("--check")) {
  if (Deno.readTextFileSync(output) !== text) {
    console.error(`${fromFileUrl(output)} is not what kernels/assembly gives. Run deno task build:assembly`);
    Deno.exit(1);
  }
} else {
  Deno.writeTextFileSync(output, text);
  console.log(`Wrote ${fast.length} and ${strict.length} bytes of WebAssembly`);
}

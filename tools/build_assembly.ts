/**
 * Compiles `kernels/assembly` with AssemblyScript and writes all builds, as base64 of their deflated bytes, to
 * `kernels/engines/cpu/assembly_modules.ts`: JSR publishes no binary imports, and a worker needs no fetch.
 *
 *     deno run -A tools/build_assembly.ts [--check]
 *
 * `--check` writes nothing and fails where a module in the file is not what the sources give, byte for byte.
 */
import { inflateModule } from "../kernels/engines/cpu/inflate_module.ts";
import { compileAssembly } from "./assembly_compiler.ts";
import { fromFileUrl } from "@std/path";

const root = new URL("../", import.meta.url);
const sources = new URL("kernels/assembly/", root);
const output = new URL("kernels/engines/cpu/assembly_modules.ts", root);

/** The builds by the names they are exported under. */
const builds: readonly (readonly [name: string, what: string, fast: boolean, wide: boolean])[] = [
  ["fastModule", "The build with relaxed SIMD", true, false],
  ["strictModule", "The build with the same bits on every machine", false, false],
  ["fastModule64", "The build with relaxed SIMD and addresses of 64 bits", true, true],
  ["strictModule64", "The build with the same bits on every machine and addresses of 64 bits", false, true],
];

async function declaration(name: string, what: string, module: Uint8Array<ArrayBuffer>): Promise<string> {
  const deflated = await new Response(
    new Blob([module]).stream().pipeThrough(new CompressionStream("deflate-raw")),
  ).bytes();
  const lines = deflated.toBase64().match(/.{1,110}/g)!.map((line) => `  "${line}"`);
  return `/** ${what}, ${module.length} bytes of WebAssembly. */\nexport const ${name}: string = [\n${
    lines.join(",\n")
  },\n].join("");\n`;
}

const written: Record<string, string> | undefined = Deno.args.includes("--check")
  ? await import(output.href)
  : undefined;
let text = `// Generated from kernels/assembly by \`deno task build:assembly\`; do not edit.
// Long because it holds four compiled modules.
// deno-fmt-ignore-file
`;
const sizes: number[] = [];
for (const [name, what, fast, wide] of builds) {
  const module = await compileAssembly(sources, { fast, wide });
  if (written !== undefined) {
    // Not the text: another release of Deno may deflate otherwise.
    if ((await inflateModule(written[name]!)).toBase64() === module.toBase64()) continue;
    console.error(
      `${name} in ${fromFileUrl(output)} is not what kernels/assembly gives. Run deno task build:assembly`,
    );
    Deno.exit(1);
  }
  sizes.push(module.length);
  text += await declaration(name, what, module);
}
if (sizes.length > 0) {
  Deno.writeTextFileSync(output, text);
  console.log(`Wrote ${sizes.join(", ")} bytes of WebAssembly, ${text.length} characters`);
}

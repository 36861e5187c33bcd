/**
 * Checks what the compiler does not, and prints each fault as a line:
 *
 * - imports run downwards, `cli → tasks → core → kernels`, and stay within their package or name another by `@bgpt/…`;
 * - what the main module of kernels, core and tasks reaches uses no `Deno`, so that it runs in browsers;
 * - no file is longer than 400 lines, unless one of its first lines begins with `// Long because`.
 * @module
 */
import { packageNames, readPackage } from "./packages.ts";

const root = Deno.args[0] ?? `${import.meta.dirname}/..`;
const longestFile = 400;

/** The TypeScript files below a folder, by their paths from the root. */
function* filesBelow(folder: string): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(`${root}/${folder}`)) {
    const path = `${folder}/${name}`;
    if (isDirectory && name !== "testdata" && name !== "node_modules") yield* filesBelow(path);
    else if (name.endsWith(".ts")) yield path;
  }
}

function exists(folder: string): boolean {
  try {
    return Deno.statSync(`${root}/${folder}`).isDirectory;
  } catch {
    return false;
  }
}

/** The source without its comments; strings stay, as far as a pattern can tell the two apart. */
function codeOf(path: string): string {
  const source = Deno.readTextFileSync(`${root}/${path}`);
  const parts = /("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`)|\/\/[^\n]*|\/\*[^]*?\*\//g;
  return source.replace(parts, (_, text: string | undefined) => text ?? "");
}

/** What a file imports, as it is written there. */
function importsOf(code: string): string[] {
  return [...code.matchAll(/\b(?:from|import)\s*\(?\s*"([^"]+)"/g)].map(([, specifier]) => specifier!);
}

/** The path from the root that a relative import of a file means. */
function resolved(from: string, specifier: string): string {
  return new URL(specifier, `file:///${from}`).pathname.slice(1);
}

function importFaults(path: string, level: number): string[] {
  const own = packageNames[level]!;
  return importsOf(codeOf(path)).flatMap((specifier) => {
    const imported = /^@bgpt\/([^/]+)/.exec(specifier)?.[1];
    if (imported !== undefined) {
      const below: readonly string[] = packageNames.slice(0, level);
      return below.includes(imported)
        ? []
        : [`${path}: imports ${specifier}, but ${own} may import ${below.join(", ") || "nothing"}`];
    }
    const leaves = specifier.startsWith(".") && !resolved(path, specifier).startsWith(`${own}/`);
    return leaves
      ? [`${path}: imports ${specifier}, which is outside ${own}. Import it by its package's name`]
      : [];
  });
}

/** All files that a file reaches by relative imports, itself included. */
function reachedFrom(path: string, reached: Set<string> = new Set()): Set<string> {
  if (reached.has(path)) return reached;
  reached.add(path);
  for (const specifier of importsOf(codeOf(path))) {
    if (specifier.startsWith(".") && specifier.endsWith(".ts")) {
      reachedFrom(resolved(path, specifier), reached);
    }
  }
  return reached;
}

function denoFaults(name: string): string[] {
  const main = readPackage(root, name).exports["."];
  if (main === undefined) return [`${name}/deno.json: exports no "."`];
  return [...reachedFrom(resolved(`${name}/`, main))]
    .filter((path) => /\bDeno\s*\./.test(codeOf(path)))
    .map((path) =>
      `${path}: uses Deno, but ${name}'s main module reaches it. Make it a sub-path export of its own`
    );
}

function lengthFaults(path: string): string[] {
  const lines = Deno.readTextFileSync(`${root}/${path}`).trimEnd().split("\n");
  const reasoned = lines.slice(0, 5).some((line) => line.startsWith("// Long because"));
  if (lines.length <= longestFile || reasoned) return [];
  return [
    `${path}: ${lines.length} lines, at most ${longestFile} are allowed. Split it, or say "// Long because …"`,
  ];
}

const folders = [...packageNames, "tests", "tools", "bench", "links"].filter(exists);
const faults = [
  ...packageNames.flatMap((name, level) =>
    [...filesBelow(name)].flatMap((path) => importFaults(path, level))
  ),
  ...packageNames.filter((name) => name !== "cli").flatMap(denoFaults),
  ...folders.flatMap((folder) => [...filesBelow(folder)]).flatMap(lengthFaults),
];
for (const fault of faults) console.error(fault);
Deno.exit(faults.length > 0 ? 1 : 0);

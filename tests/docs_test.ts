import { assert, assertEquals } from "@std/assert";
import { dirname, join, relative } from "@std/path";

const root = join(import.meta.dirname!, "..");

/** README.md and docs/*.md, from the root. */
const documents = [
  "README.md",
  ...[...Deno.readDirSync(join(root, "docs"))].filter(({ name }) => name.endsWith(".md"))
    .map(({ name }) => `docs/${name}`),
].filter((path) => exists(join(root, path))).sort();

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

/** A link's path, empty for the document that it stands in, and what stands behind `#`. */
interface Link {
  readonly path: string;
  readonly anchor: string | undefined;
}

/** The links of a text that stay inside of the project. */
function relativeLinks(markdown: string): Link[] {
  return [...markdown.matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1]!)
    .filter((target) => !/^(https?:|mailto:)/.test(target))
    .map((target) => target.split("#")).map(([path, anchor]) => ({ path: path!, anchor }));
}

/** What leads to the headings of a text, as GitHub makes it. */
function anchorsOf(markdown: string): Set<string> {
  const headings = [...markdown.matchAll(/^#{1,6} (.+)$/gm)].map((match) => match[1]!.toLowerCase());
  return new Set(
    headings.map((heading) => heading.replace(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, "").replaceAll(" ", "-")),
  );
}

for (const document of documents) {
  Deno.test(`every relative link of ${document} leads to a file or folder of the project, and to a heading where it names one`, () => {
    const folder = dirname(join(root, document));
    for (const { path: target, anchor } of relativeLinks(Deno.readTextFileSync(join(root, document)))) {
      const path = target === "" ? join(root, document) : join(folder, target);
      assert(!relative(root, path).startsWith(".."), `${document}: ${target} leads out of the project`);
      assert(exists(path), `${document}: ${target} does not exist`);
      if (anchor === undefined) continue;
      const headings = anchorsOf(Deno.readTextFileSync(path));
      assert(headings.has(anchor), `${document}: ${target}#${anchor} is none of ${[...headings].join(", ")}`);
    }
  });
}

for (const document of documents) {
  Deno.test(`the prose of ${document} has no word like FIGURE_MISSING, where somebody meant to put a figure`, () => {
    const markdown = Deno.readTextFileSync(join(root, document));
    const prose = markdown.replace(/`[^`]*`/g, "").replace(/^ {4}.*$/gm, "").replace(/\]\([^)]*\)/g, "]");
    assertEquals(prose.match(/\b[A-Z]+_[A-Z_]+\b/g) ?? [], []);
  });
}

/** The numbered stops, each with the lines that belong to it. */
function stopsOf(markdown: string): string[] {
  const lines = markdown.split("\n");
  const stops: string[] = [];
  for (const [index, line] of lines.entries()) {
    if (/^\d+\. /.test(line)) stops.push(line);
    else if (/^ {3,}\S/.test(line) && stops.length > 0 && lines[index - 1] !== "") {
      stops[stops.length - 1] += ` ${line.trim()}`;
    }
  }
  return stops;
}

/** Whether a source file declares the name: a function, class, constant or method. */
function declares(source: string, name: string): boolean {
  return new RegExp(`^(export )?(async )?(function\\*? |class |const )${name}\\b`, "m").test(source) ||
    new RegExp(`^ {2}(static |async )*${name}\\(.*\\{$`, "m").test(source);
}

Deno.test("every stop of follow-a-byte.md is one link, and its file declares the functions that it names", () => {
  const stops = stopsOf(Deno.readTextFileSync(join(root, "docs/follow-a-byte.md")));
  assert(stops.length > 20, `only ${stops.length} stops were found`);
  assertEquals(stops.map((stop) => parseInt(stop)), stops.map((_, index) => index + 1));
  for (const stop of stops) {
    const links = relativeLinks(stop);
    assertEquals(links.length, 1, `"${stop}" has not one link`);
    const path = links[0]!.path.replace("../", "");
    assert(stop.includes(`[${path}]`), `"${stop}" calls its file by another name`);
    const source = Deno.readTextFileSync(join(root, path));
    // The first name is what to open; others with parentheses are functions, too.
    const opened = /\): `([\w.]+)(?:\(\))?`/.exec(stop)?.[1];
    assert(opened !== undefined, `"${stop}" names nothing to open`);
    const called = [...stop.matchAll(/`(\w+)\(\)`/g)].map((match) => match[1]!);
    for (const name of new Set([opened, ...called])) {
      assert(declares(source, name), `${path} does not declare ${name}`);
    }
  }
});

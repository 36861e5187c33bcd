import { assertEquals, assertStringIncludes } from "@std/assert";
import { dirname, fromFileUrl, join } from "@std/path";

const tool = fromFileUrl(new URL("../../tools/check_structure.ts", import.meta.url));

/** What the check says of a project with these files besides four empty packages. */
async function faultsOf(files: Readonly<Record<string, string>>): Promise<string> {
  const root = await Deno.makeTempDir();
  try {
    const packages = ["kernels", "core", "tasks", "cli"].flatMap((name): [string, string][] => [
      [`${name}/deno.json`, `{"exports":{".":"./mod.ts"}}`],
      [`${name}/mod.ts`, ""],
    ]);
    for (const [path, text] of Object.entries({ ...Object.fromEntries(packages), ...files })) {
      await Deno.mkdir(join(root, dirname(path)), { recursive: true });
      await Deno.writeTextFile(join(root, path), text);
    }
    const args = ["run", "--allow-read", tool, root];
    const { code, stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
    const text = new TextDecoder().decode(stderr);
    assertEquals(code, text === "" ? 0 : 1);
    return text;
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

Deno.test("a project in order passes", async () => {
  const files = {
    "core/mod.ts": `// Deno.args is not for here\nimport { a } from "@bgpt/kernels";\nexport { a };\n`,
    "core/files/mod.ts": `export const now = Deno.cwd();`,
    "cli/mod.ts": `import "@bgpt/tasks";\nimport "./a.ts";`,
    "cli/a.ts": `// Long because it is a table\n${"\n".repeat(500)}x`,
  };
  assertEquals(await faultsOf(files), "");
});

Deno.test("an import upwards is a fault", async () => {
  const text = await faultsOf({ "kernels/a.ts": `import { x } from "@bgpt/core";` });
  assertEquals(text, "kernels/a.ts: imports @bgpt/core, but kernels may import nothing\n");
  assertStringIncludes(
    await faultsOf({ "core/a.ts": `const lazy = await import("@bgpt/tasks/cpu");` }),
    "core/a.ts: imports @bgpt/tasks/cpu, but core may import kernels",
  );
});

Deno.test("a relative import of another package is a fault", async () => {
  const text = await faultsOf({ "cli/a/b.ts": `export * from "../../core/mod.ts";` });
  assertStringIncludes(text, "cli/a/b.ts: imports ../../core/mod.ts, which is outside cli");
});

Deno.test("Deno in what a main module reaches is a fault", async () => {
  const files = {
    "core/mod.ts": `export * from "./a/b.ts";`,
    "core/a/b.ts": `export const now = Deno.cwd();`,
  };
  assertStringIncludes(await faultsOf(files), "core/a/b.ts: uses Deno, but core's main module reaches it");
});

Deno.test("a file of more than 400 lines is a fault", async () => {
  const text = await faultsOf({ "tasks/a.ts": `${"x;\n".repeat(401)}` });
  assertStringIncludes(text, "tasks/a.ts: 401 lines, at most 400 are allowed");
  assertEquals(await faultsOf({ "tasks/a.ts": `${"x;\n".repeat(400)}` }), "");
});

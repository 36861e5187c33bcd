import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { inTempFolder, namesIn, writeFiles } from "./temp_folder.ts";

const root = join(import.meta.dirname!, "..", "..");

async function deno(args: readonly string[], cwd: string, env: Record<string, string> = {}): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args: [...args], cwd, env })
    .output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

Deno.test("the program as a single file trains on threads in a folder that holds nothing else", () =>
  inTempFolder(async (folder) => {
    await deno(["bundle", "--quiet", "-o", join(folder, "bgpt.js"), "cli/main.ts"], root);
    assertEquals(namesIn(folder), ["bgpt.js"]);
    await writeFiles(join(folder, "data"), [20, 30, 40]);
    const training = "train --data data --out run --device cpu --threads 2 --patch-length 8 --steps 2 --json";
    // An empty cache and no network: whatever it needs is in the file.
    const alone = [
      "run",
      "-A",
      "--no-config",
      "--no-lock",
      "--cached-only",
      "bgpt.js",
      ...training.split(" "),
    ];
    const stdout = await deno(alone, folder, { DENO_DIR: join(folder, "cache") });
    assertStringIncludes(stdout, '"step":2');
  }));

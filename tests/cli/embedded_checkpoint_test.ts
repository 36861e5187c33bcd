import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { writeCheckpoint } from "./checkpoints.ts";
import { inTempFolder } from "./temp_folder.ts";

const root = join(import.meta.dirname!, "..", "..");

// An executable of `deno compile` cannot be had without Deno's site: one file with a folder beside it stands in for it.
Deno.test("in an executable that holds a checkpoint, --checkpoint is that one unless another is given", () =>
  inTempFolder(async (folder) => {
    const path = (name: string) => join(folder, name);
    await writeCheckpoint(path("embedded"));
    await writeCheckpoint(path("other"));
    await Deno.writeTextFile(
      path("standalone.js"),
      `Object.defineProperty(Deno, "build", { value: { ...Deno.build, standalone: true } });`,
    );
    const deno = async (...args: string[]) => {
      const output = await new Deno.Command(Deno.execPath(), { args, cwd: root }).output();
      return new TextDecoder().decode(output.code === 0 ? output.stdout : output.stderr);
    };
    await deno("bundle", "--quiet", "-o", path("bgpt.js"), "cli/main.ts");
    const bgpt = (...args: string[]) =>
      deno("run", "-A", "--no-config", "--preload", path("standalone.js"), path("bgpt.js"), ...args);
    const words = ["generate", "--extension", "txt", "--seed", "5", "--device", "reference", "--out"];

    assertEquals(await bgpt(...words, path("by-default")), "");
    await bgpt(...words, path("by-name"), "--checkpoint", path("other"));
    assertEquals(await Deno.readFile(path("by-default")), await Deno.readFile(path("by-name")));
    const missing = await bgpt(...words, path("x"), "--checkpoint", path("none"));
    assertStringIncludes(missing, "Cannot read checkpoint");
    const help = await bgpt("generate", "--help");
    assertStringIncludes(help, "Usage: bgpt generate [options]");
    await Deno.remove(path("embedded"), { recursive: true });
    assertStringIncludes(await bgpt(...words, path("x")), "Missing --checkpoint DIR");
  }));

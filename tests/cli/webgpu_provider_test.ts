import { assertEquals } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { dawnTest } from "../dawn.ts";
import { writeCheckpoint } from "./checkpoints.ts";
import { assertRefused } from "./refused.ts";
import { inTempFolder, writeFiles } from "./temp_folder.ts";

dawnTest("a program computes through Dawn, also unchecked, and ends cleanly, also by a failure", async () => {
  const program = fromFileUrl(import.meta.resolve("./dawn_program.ts"));
  for (const [how, expected] of [["checked", 0], ["unchecked", 0], ["throw", 1]] as const) {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", program, how],
      stdin: "null",
    }).output();
    const decoder = new TextDecoder();
    assertEquals([code, decoder.decode(stdout)], [expected, "0,0,0\n"], decoder.decode(stderr));
  }
});

Deno.test("what WebGPU cannot do is refused in a line", async () => {
  await inTempFolder(async (folder) => {
    const checkpoint = join(folder, "checkpoint");
    await writeCheckpoint(checkpoint);
    const data = await writeFiles(join(folder, "data"), [100]);
    const args = ["eval", "--checkpoint", checkpoint, "--data", data, "--device"];
    await assertRefused({
      args: [...args, "gpu", "--webgpu", "dawn"],
      env: { BGPT_DAWN: join(folder, "index.js") },
      code: 1,
      message: `error: Cannot load Dawn (${join(folder, "index.js")}): Module not found`,
    });
    await assertRefused({
      args: [...args, "cpu", "--webgpu", "dawn"],
      code: 2,
      message: "Cannot use --webgpu dawn on --device cpu: only a GPU is reached through WebGPU",
    });
    await assertRefused({
      args: [...args, "gpu", "--webgpu-unchecked"],
      code: 2,
      message: "Cannot use --webgpu-unchecked with Deno's own WebGPU, which always checks. Add --webgpu dawn",
    });
  });
});

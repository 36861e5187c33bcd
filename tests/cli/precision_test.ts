import { assert, assertEquals, assertThrows } from "@std/assert";
import { join } from "@std/path";
import { GpuEngine } from "@bgpt/kernels";
import { webGpuAdapter } from "../../cli/webgpu_provider.ts";
import { gpuTest } from "../gpu.ts";
import { bgpt } from "./bgpt.ts";
import { writeCheckpoint } from "./checkpoints.ts";
import { assertRefused } from "./refused.ts";
import { inTempFolder, writeFiles } from "./temp_folder.ts";

// The sizes that other tests train, so that software Vulkan need not compile them again.
const sizes = "--patch-size 4 --patch-length 8 --hidden 64 --patch-layers 1 --byte-layers 1 --batch 1".split(
  " ",
);
const mixed = ["--device", "gpu", "--precision", "mixed"];

Deno.test("mixed precision is refused in a line where no GPU computes", async () => {
  await inTempFolder(async (folder) => {
    const checkpoint = join(folder, "checkpoint");
    await writeCheckpoint(checkpoint);
    const data = await writeFiles(join(folder, "data"), [100]);
    const args = ["eval", "--checkpoint", checkpoint, "--data", data, "--precision", "mixed", "--device"];
    for (const device of ["cpu", "reference"]) {
      await assertRefused({
        args: [...args, device],
        code: 2,
        message:
          `Cannot use --precision mixed on --device ${device}: only a GPU computes in it. Leave it out`,
      });
    }
    await assertRefused({
      args: [...args, "auto"],
      env: { VK_DRIVER_FILES: "/nowhere", VK_ICD_FILENAMES: "/nowhere" },
      code: 1,
      message: "Cannot use --precision mixed: only a GPU computes in it, and WebGPU found none. Leave it out",
    });
  });
});

gpuTest(
  "a device without half-precision numbers is refused for mixed precision, and only for it",
  async (gpu) => {
    const device = await (await webGpuAdapter())!.requestDevice();
    const plain = { ...gpu.gpu, device };
    assertThrows(
      () => new GpuEngine(plain, { precision: "mixed" }),
      RangeError,
      "offers no half-precision numbers (shader-f16)",
    );
    new GpuEngine(plain).destroy();
  },
);

gpuTest(
  "train --precision mixed tells its loss scale, goes on, and evaluates as f32 does",
  () =>
    inTempFolder(async (folder) => {
      const data = await writeFiles(join(folder, "data"), [9, 30, 17, 26]);
      const out = join(folder, "run");
      const training = ["train", "--data", data, "--out", out, ...mixed];
      const begun = await bgpt([...training, ...sizes, "--steps", "2", "--eval-share", "0"]);
      assertEquals(begun.code, 0, begun.stderr);
      const resumed = await bgpt([...training, "--steps", "4", "--resume"]);
      assertEquals(resumed.code, 0, resumed.stderr);
      const metrics = Deno.readTextFileSync(join(out, "metrics.jsonl")).trimEnd().split("\n");
      const scales = metrics.map((line) => JSON.parse(line)).map(({ kind, lossScale }) => [kind, lossScale]);
      assertEquals(scales, Array(4).fill(["train", 65536]));

      const bits = async (device: readonly string[]) => {
        const { code, stdout, stderr } = await bgpt([
          ...["eval", "--checkpoint", out, "--data", data, "--json"],
          ...device,
        ]);
        assertEquals(code, 0, stderr);
        return JSON.parse(stdout).bpb as number;
      };
      const [half, full] = [await bits(mixed), await bits(["--device", "cpu"])];
      assert(half !== full && Math.abs(half / full - 1) < 1e-3, `${half} and ${full} bits per byte`);
    }),
);

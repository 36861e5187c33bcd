import { assertAlmostEquals, assertEquals, assertStringIncludes } from "@std/assert";
import { parseSafetensors } from "@bgpt/core";
import { saveRunCheckpoint } from "@bgpt/core/files";
import { join } from "@std/path";
import { smallCheckpoint } from "../../core/small_checkpoint.ts";
import { readGzip, readJson, sharedTest } from "../../shared.ts";
import { bgpt } from "../bgpt.ts";
import { writeCheckpoint } from "../checkpoints.ts";
import { assertRefused, type Refusal } from "../refused.ts";
import { inTempFolder, namesIn, writeFiles } from "../temp_folder.ts";

const device = ["--device", "reference"];

sharedTest(
  "an imported checkpoint has the published program's loss on the fixture's files",
  (fixtures) =>
    inTempFolder(async (folder) => {
      const weights = join(folder, "weights.pth");
      await Deno.writeFile(weights, await readGzip(`${fixtures}/dev/weights.pth.gz`));
      const checkpoint = join(folder, "checkpoint");
      const imported = await bgpt(["import", weights, "--out", checkpoint]);
      assertEquals([imported.code, imported.stdout], [0, `Imported 1,161,088 parameters to ${checkpoint}\n`]);

      const { files } = await readJson(`${fixtures}/dev/inputs.json`) as {
        files: { name: string; bytes: number[] }[];
      };
      const data = await writeFiles(join(folder, "data"), []);
      for (const { name, bytes } of files) await Deno.writeFile(join(data, name), Uint8Array.from(bytes));
      const { code, stdout } = await bgpt([
        "eval",
        "--checkpoint",
        checkpoint,
        "--data",
        data,
        ...device,
        "--json",
      ]);
      assertEquals(code, 0);
      const report = JSON.parse(stdout);
      assertEquals(stdout, `${JSON.stringify(report)}\n`);
      assertEquals(Object.keys(report).slice(0, 6), [
        "files",
        "patches",
        "bytes",
        "lossNats",
        "bpb",
        "bpbBytes",
      ]);

      const { tensors } = parseSafetensors(await Deno.readFile(`${fixtures}/dev/expected.safetensors`));
      const loss = new Float32Array(tensors.get("loss")!.data.slice().buffer)[0]!;
      assertAlmostEquals(report.lossNats, loss, 1e-5 * loss);
      assertAlmostEquals(report.bpb, report.lossNats / Math.LN2, 1e-12);
      assertEquals([report.files, report.bytes], [
        3,
        files.reduce((sum, { bytes }) => sum + bytes.length, 0),
      ]);
    }),
);

Deno.test("eval takes files and folders, in any batch, and reports the same on both", () =>
  inTempFolder(async (folder) => {
    await writeCheckpoint(join(folder, "checkpoint"));
    const data = await writeFiles(join(folder, "data"), [20, 0, 200, 33]);
    const evaluate = async (...args: string[]) => {
      const { code, stdout, stderr } = await bgpt([
        "eval",
        "--checkpoint",
        join(folder, "checkpoint"),
        ...args,
        ...device,
      ]);
      assertEquals(code, 0, stderr);
      return stdout;
    };
    const report = JSON.parse(await evaluate("--data", data, "--json"));
    // 200 bytes take more than the 8 patches of the model: its extension and the first 112 bytes.
    assertEquals([report.files, report.patches, report.bytes], [4, 4 + 2 + 8 + 5, 20 + 0 + 112 + 33]);
    const outright = namesIn(data).map((name) => join(data, name));
    const again = JSON.parse(await evaluate("--data", ...outright, "--batch", "1", "--json"));
    for (const [name, value] of Object.entries(report)) {
      assertAlmostEquals(again[name], value as number, 1e-5 * (value as number), name);
    }
    const text = await evaluate("--data", data);
    assertStringIncludes(text, "4 files, 19 patches, 165 bytes predicted\n");
    assertStringIncludes(text, `bits per byte as published   ${report.bpb.toFixed(4)} `);
    assertStringIncludes(text, `bits per real byte           ${report.bpbBytes.toFixed(4)}\n`);

    const empty = JSON.parse(await evaluate("--data", join(data, "f1.bin"), "--json"));
    assertEquals([empty.bytes, empty.bpbBytes], [0, undefined]);
  }));

Deno.test("eval --whole scores files to their end, and says by which window", () =>
  inTempFolder(async (folder) => {
    const checkpoint = join(folder, "checkpoint");
    await writeCheckpoint(checkpoint);
    const data = await writeFiles(join(folder, "data"), [20, 0, 300]);
    const long = await writeFiles(join(folder, "long"), [500]);
    const evaluate = async (...args: string[]) => {
      const { code, stdout, stderr } = await bgpt(["eval", "--checkpoint", checkpoint, ...args, ...device]);
      assertEquals(code, 0, stderr);
      return stdout;
    };
    const report = JSON.parse(await evaluate("--data", data, long, "--whole", "--json"));
    assertEquals(
      [report.files, report.patches, report.bytes, report.window],
      [4, 4 + 2 + 21 + 34, 820, 8],
    );
    assertEquals(Object.values(report.sources as { files: number }[]).map(({ files }) => files), [3, 1]);
    const text = await evaluate("--data", data, long, "--whole");
    assertStringIncludes(text, "4 files, 61 patches, 820 bytes predicted by a window of 8 patches\n");
    assertStringIncludes(text, `bits per real byte           ${report.bpbBytes.toFixed(4)}\n`);

    // The same bytes as they are inspected.
    const inspected = await bgpt(["inspect", long, "--checkpoint", checkpoint, "--json", ...device]);
    const [{ lossNats, bpbBytes }] = JSON.parse(inspected.stdout).files;
    const alone = JSON.parse(await evaluate("--data", long, "--whole", "--json"));
    assertAlmostEquals(alone.lossNats, lossNats, 1e-5 * lossNats);
    assertAlmostEquals(alone.bpbBytes, bpbBytes, 1e-5 * bpbBytes);

    // Files that fit are scored as ever.
    const fitting = ["--data", join(data, "f0.bin"), "--json"];
    const { window: _, ...whole } = JSON.parse(await evaluate(...fitting, "--whole"));
    assertEquals(whole, JSON.parse(await evaluate(...fitting)));
  }));

Deno.test("--checkpoint takes a run's folder, whose newest good checkpoint is used, or a checkpoint's", () =>
  inTempFolder(async (folder) => {
    const run = join(folder, "run");
    for (const step of [1, 2]) await saveRunCheckpoint(run, smallCheckpoint(step, step), false);
    const data = await writeFiles(join(folder, "data"), [20]);
    const evaluate = (checkpoint: string) =>
      bgpt(["eval", "--checkpoint", checkpoint, "--data", data, ...device, "--json"]);
    const [first, second] = [1, 2].map((step) => join(run, "checkpoints", `step-0000000${step}`));
    const [ofFirst, ofSecond] = [await evaluate(first!), await evaluate(second!)];
    assertEquals(await evaluate(run), ofSecond);
    await Deno.truncate(join(second!, "model.safetensors"), 100);
    const passed = await evaluate(run);
    assertEquals([passed.code, passed.stdout], [0, ofFirst.stdout]);
    assertStringIncludes(
      passed.stderr,
      `Passed over a damaged checkpoint: Cannot read checkpoint "${second}"`,
    );
    assertStringIncludes(passed.stderr, `Using ${first}`);
  }));

Deno.test("eval refuses what cannot be with one line", () =>
  inTempFolder(async (folder) => {
    const checkpoint = join(folder, "checkpoint");
    await writeCheckpoint(checkpoint);
    const data = await writeFiles(join(folder, "data"), [20]);
    const empty = await writeFiles(join(folder, "empty"), []);
    const cutOff = join(folder, "cut-off");
    await writeCheckpoint(cutOff);
    await Deno.truncate(join(cutOff, "model.safetensors"), 5000);
    const foreign = await writeFiles(join(folder, "foreign"), []);
    await Deno.writeTextFile(join(foreign, "config.json"), `{"architectures": ["GPT2LMHeadModel"]}`);
    await Deno.writeTextFile(join(foreign, "model.safetensors"), "");
    const of = (
      path: string,
      ...rest: string[]
    ) => ["eval", "--checkpoint", path, "--data", ...rest, ...device];

    const refusals: Refusal[] = [
      { args: of(checkpoint, empty), code: 1, message: `Cannot read "${empty}": no files were found` },
      {
        args: of(checkpoint, "nowhere"),
        code: 1,
        message: 'Cannot read "nowhere": there is no such file or folder',
      },
      {
        args: of(empty, data),
        code: 1,
        message: `Cannot read checkpoint "${empty}": it holds no model.safetensors`,
      },
      {
        args: of(cutOff, data),
        code: 1,
        message:
          `Cannot read checkpoint "${cutOff}": model.safetensors is damaged, tensor "patch_level_decoder`,
      },
      {
        args: of(foreign, data),
        code: 1,
        message: `Cannot read checkpoint "${foreign}": config.json has format nothing, this program reads 1`,
      },
      { args: ["eval", "--checkpoint", checkpoint], code: 2, message: "Missing --data PATH..." },
      {
        args: of(checkpoint, data, "--whole", "--pairs", "a->b"),
        code: 2,
        message: "Cannot use --whole with --pairs",
      },
    ];
    for (const refusal of refusals) await assertRefused(refusal);
  }));

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { TarWriter } from "@bgpt/core/files";
import { join } from "@std/path";
import { bgpt, spawnBgpt } from "../bgpt.ts";
import { gpuTest } from "../../gpu.ts";
import { assertRefused, type Refusal } from "../refused.ts";
import { inTempFolder, namesIn, writeFiles } from "../temp_folder.ts";

const device = ["--device", "reference"];
const sizes = "--patch-size 4 --patch-length 8 --hidden 64 --patch-layers 1 --byte-layers 1 --batch 1".split(
  " ",
);
const tiny = [...device, ...sizes, "--dropout", "0.1"];
const byteLengths = [9, 30, 0, 17, 26, 5];

/** The bytes of every file of a checkpoint but the sizes, which name nothing of the run. */
function checkpointBytes(run: string, step: number): string[] {
  const folder = join(run, "checkpoints", `step-${String(step).padStart(8, "0")}`);
  return ["model.safetensors", "optimizer.safetensors"].map((name) =>
    Deno.readFileSync(join(folder, name)).join()
  );
}

function metricsOf(run: string): Record<string, unknown>[] {
  const lines = Deno.readTextFileSync(join(run, "metrics.jsonl")).trimEnd().split("\n");
  return lines.map((line) => JSON.parse(line));
}

/** Resolves when the run has told its first step. */
async function firstStep(run: string): Promise<void> {
  while (true) {
    try {
      if (metricsOf(run).length > 0) return;
    } catch {
      // The file is not there yet, or its line not yet whole.
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

Deno.test("train stopped by SIGINT writes a checkpoint, says how to go on, and --resume ends with the same weights", () =>
  inTempFolder(async (folder) => {
    const data = await writeFiles(join(folder, "my data"), byteLengths);
    const steps = 60;
    const training = ["train", "--data", data, ...tiny, "--steps", `${steps}`, "--eval-every", "25"];
    const [whole, stopped] = [join(folder, "whole"), join(folder, "stopped")];

    const undisturbed = await bgpt([...training, "--out", whole, "--json"]);
    assertEquals(undisturbed.code, 0, undisturbed.stderr);
    const record = JSON.parse(undisturbed.stdout);
    assertEquals(undisturbed.stdout, `${JSON.stringify(record)}\n`);
    const { out, step, stopped: early, checkpoint } = record;
    assertEquals({ out, step, early }, { out: whole, step: steps, early: false });
    assertEquals(checkpoint, join(whole, "checkpoints", "step-00000060"));
    assertEquals(namesIn(whole), ["checkpoints", "metrics.jsonl", "report.html", "run.lock", "tensorboard"]);

    const process = spawnBgpt([...training, "--out", stopped, "--no-tune", "--hang-timeout", "9"]);
    await firstStep(stopped);
    process.kill("SIGINT");
    const { code, stdout } = await process.outcome();
    assertEquals(code, 0);
    const [, stoppedStep] = stdout.match(/^Stopped after (\d+) steps?, /) ?? [];
    assert(Number(stoppedStep) < steps, stdout);
    assertStringIncludes(
      stdout,
      `\ngo on with   bgpt train --data '${data}' --out ${stopped} --device reference --no-tune --hang-timeout 9 --resume\n`,
    );
    assertEquals(metricsOf(stopped).filter(({ kind }) => kind === "train").length, Number(stoppedStep));

    const resumed = await bgpt(["train", "--data", data, "--out", stopped, ...device, "--resume"]);
    assertEquals(resumed.code, 0, resumed.stderr);
    assertMatch(resumed.stderr, new RegExp(`^Going on from .*/step-0*${stoppedStep}$`, "m"));
    assertEquals(checkpointBytes(stopped, steps), checkpointBytes(whole, steps));
    const losses = (run: string) => metricsOf(run).map(({ step, kind, lossNats }) => [step, kind, lossNats]);
    assertEquals(losses(stopped), losses(whole));
  }));

Deno.test("a second run in the same folder, and a resumed one that is another, are refused and lose nothing", () =>
  inTempFolder(async (folder) => {
    const data = await writeFiles(join(folder, "data"), byteLengths);
    const out = join(folder, "run");
    const training = ["train", "--data", data, "--out", out, ...tiny, "--steps", "2"];
    const { code, stdout } = await bgpt(training);
    assertEquals(code, 0);
    assertMatch(stdout, /^Trained after 2 steps, /);
    const before = checkpointBytes(out, 2);
    const report = Deno.readTextFileSync(join(out, "report.html"));
    const more = await writeFiles(join(folder, "more"), [...byteLengths, 8]);

    const refusals: Refusal[] = [
      {
        args: training,
        code: 1,
        message: `Cannot start a run in "${out}": it holds another run. Name a new folder, or add --resume`,
      },
      {
        args: ["train", "--data", data, "--out", out, ...device, "--resume", "--seed", "5"],
        code: 2,
        message: "Cannot resume with seed 5: the run was started with 0",
      },
      {
        args: ["train", "--data", more, "--out", out, ...device, "--resume", "--steps", "3"],
        code: 1,
        message: `Cannot resume "${out}": it was trained on 5 samples, --data now gives 6`,
      },
    ];
    for (const refusal of refusals) await assertRefused(refusal);

    assertEquals(namesIn(join(out, "checkpoints")), ["best", "step-00000002"]);
    assertEquals(checkpointBytes(out, 2), before);
    assertEquals(Deno.readTextFileSync(join(out, "report.html")), report);
  }));

Deno.test("a folder that a process trains in is refused to another one, and free again when that was killed", () =>
  inTempFolder(async (folder) => {
    const data = await writeFiles(join(folder, "data"), byteLengths);
    const out = join(folder, "run");
    const training = ["train", "--data", data, "--out", out, ...tiny, "--steps", "100000"];
    const first = spawnBgpt(training);
    await firstStep(out);
    const message =
      `Cannot work in "${out}": process ${first.pid} is training there. Wait for its end, or end it`;
    await assertRefused({ args: training, code: 1, message });
    await assertRefused({ args: [...training, "--resume"], code: 1, message });
    first.kill("SIGKILL");
    await first.outcome();

    // Nothing was kept yet: with --resume, or without, the run begins anew.
    assertEquals(namesIn(out), ["metrics.jsonl", "run.lock", "tensorboard"]);
    const anew = [...training.slice(0, -1), "2"];
    const again = await bgpt([...anew, "--resume"]);
    assertEquals(again.code, 0, again.stderr);
    assertStringIncludes(again.stderr, `No checkpoint in ${out} yet: starting from the beginning`);
    assertEquals(metricsOf(out).filter(({ kind }) => kind === "train").map(({ step }) => step), [1, 2]);
    const weights = checkpointBytes(out, 2);
    await Deno.remove(join(out, "checkpoints"), { recursive: true });
    assertEquals((await bgpt(anew)).code, 0);
    assertEquals(checkpointBytes(out, 2), weights);
    await assertRefused({ args: anew, code: 1, message: "it holds another run" });
  }));

Deno.test("train goes on from the newest good checkpoint when the newest is damaged, and says so", () =>
  inTempFolder(async (folder) => {
    const data = await writeFiles(join(folder, "data"), byteLengths);
    const out = join(folder, "run");
    const training = ["train", "--data", data, "--out", out];
    await bgpt([...training, ...tiny, "--steps", "4", "--save-every", "2"]);
    const whole = checkpointBytes(out, 4);
    const damaged = join(out, "checkpoints", "step-00000004", "model.safetensors");
    await Deno.truncate(damaged, 1000);
    const { code, stderr } = await bgpt([...training, ...device, "--resume"]);
    assertEquals(code, 0, stderr);
    assertStringIncludes(stderr, "Passed over a damaged checkpoint: ");
    assertStringIncludes(stderr, "model.safetensors is damaged, its header says");
    assertEquals(checkpointBytes(out, 4), whole);
  }));

Deno.test("train says so where a tar below a folder is one file among the others, and how its members are read", () =>
  inTempFolder(async (folder) => {
    const data = await writeFiles(join(folder, "data"), [9, 30]);
    const tar = join(data, "train.tar");
    using writer = new TarWriter(tar);
    writer.add("a.bin", new Uint8Array(9));
    writer.add("inner.tar", new Uint8Array(30));
    writer.close();
    const said = `${tar} is read as one file; to read the files in it, name it outright: --data ${tar}`;
    const training = (path: string, out: string) =>
      bgpt([
        "train",
        "--data",
        path,
        "--out",
        join(folder, out),
        ...tiny,
        "--steps",
        "1",
        "--eval-share",
        "0",
      ]);

    const below = await training(data, "below");
    assertEquals(below.code, 0, below.stderr);
    assertStringIncludes(below.stderr, said);
    const outright = await training(tar, "outright");
    assertEquals(outright.code, 0, outright.stderr);
    assert(!outright.stderr.includes("is read as one file"), outright.stderr);
  }));

Deno.test("train refuses what cannot be with one line, and writes nothing", () =>
  inTempFolder(async (folder) => {
    const data = await writeFiles(join(folder, "data"), byteLengths);
    const empty = await writeFiles(join(folder, "empty"), []);
    const config = join(folder, "config.json");
    await Deno.writeTextFile(config, JSON.stringify({ hiden: 64 }));
    const broken = join(folder, "broken.json");
    await Deno.writeTextFile(broken, "{ hidden: 64 }");
    await Deno.symlink(join(folder, "nowhere"), join(folder, "dangling"));
    const out = join(folder, "run");
    const train = (...args: string[]) => ["train", "--data", data, "--out", out, ...device, ...args];
    const missing = join(folder, "missing");

    const refusals: Refusal[] = [
      {
        args: ["train", "--data", missing, "--out", out, ...device],
        code: 1,
        message: `Cannot read "${missing}": there is no such file or folder. Check the path`,
      },
      {
        args: ["train", "--data", data, join(folder, "dangling"), "--out", out, ...device],
        code: 1,
        message: `Cannot read "${join(folder, "dangling")}": there is no such file or folder`,
      },
      {
        args: ["train", "--data", empty, "--out", out, ...device],
        code: 1,
        message: `Cannot read "${empty}": no files were found. Name a folder or a tar with files in it`,
      },
      {
        args: train("--config", config),
        code: 2,
        message: `Cannot use config "${config}": there is no field "hiden", did you mean "hidden"?`,
      },
      { args: train("--config", broken), code: 2, message: `Cannot use config "${broken}": it is not JSON` },
      { args: train("--config", missing), code: 2, message: `Cannot read config "${missing}"` },
      { args: train("--hidden", "100"), code: 2, message: "hidden is 100, it must be a multiple of 64" },
      {
        args: train("--byte-global-heads", "1"),
        code: 2,
        message:
          "byteGlobalHeads is 1, which needs a byteWindow: as published all heads see the bytes of the patch alone",
      },
      {
        args: train("--ngram-rows", "100", "--byte-window", "32"),
        code: 2,
        message: "ngramRows is 100, it must be a power of two",
      },
      {
        args: train("--ngram-rows", "64"),
        code: 2,
        message: "ngramRows is 64, which needs a byteWindow: as published bytes see none of the patch before",
      },
      {
        args: train("--byte-convolution", "32"),
        code: 2,
        message:
          "byteConvolution is 32, which needs a byteWindow: as published bytes see none of the patch before",
      },
      {
        args: train("--byte-global-heads", "3", "--byte-window", "32"),
        code: 2,
        message: "byteGlobalHeads is 3, but the byte level has 2 heads",
      },
      {
        args: ["train", "--data", data, "--out", join(data, "f0.bin"), ...device],
        code: 1,
        message: `Cannot write a run to "${join(data, "f0.bin")}": it is a file. Name a folder`,
      },
      {
        args: ["train", "--data", data, "--out", out, "--device", "gpu"],
        code: 1,
        message: "Cannot open a GPU: WebGPU found no adapter",
        env: { VK_DRIVER_FILES: "/nonexistent", VK_ICD_FILENAMES: "/nonexistent" },
      },
    ];
    const names = namesIn(folder);
    for (const refusal of refusals) await assertRefused(refusal);
    assertEquals(namesIn(folder), names);
    assertEquals(namesIn(data), byteLengths.map((_, file) => `f${file}.bin`));
  }));

Deno.test("a plan too large for the processor's memory is refused with its bytes and the batch that fits, nothing written", () =>
  inTempFolder(async (folder) => {
    const data = join(folder, "data.bin");
    Deno.writeFileSync(data, new Uint8Array(1000));
    const line = ["train", "--data", data, "--out", join(folder, "run"), "--device", "cpu"];
    const { code, stderr } = await bgpt([...line, "--batch", "65536"]);
    assertEquals(code, 1);
    assertMatch(
      stderr,
      /error: Cannot place the plan in memory: it takes \d+ bytes, at most \d+ can be used\. .*; here --batch \d+ fits\n$/,
    );
    assertEquals(namesIn(folder), ["data.bin"]);
  }));

gpuTest(
  "a plan too large for the adapter is refused with the limit and the batch that fits, nothing written",
  () =>
    inTempFolder(async (folder) => {
      const data = join(folder, "data.bin");
      Deno.writeFileSync(data, new Uint8Array(1000));
      const line = ["train", "--data", data, "--out", join(folder, "run"), "--device", "gpu"];
      const { code, stderr } = await bgpt([...line, "--batch", "65536"]);
      assertEquals(code, 1);
      assertMatch(
        stderr,
        /error: Cannot place ".+" on the GPU: .*max\w+Size is \d+\..* here --batch \d+ fits\n$/,
      );
      assertEquals(namesIn(folder), ["data.bin"]);
    }),
);

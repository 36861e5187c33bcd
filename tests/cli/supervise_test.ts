import { assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { RunLock, runLockName } from "@bgpt/core/files";
import { ToldError } from "../../cli/errors.ts";
import { supervise } from "../../cli/supervise.ts";
import { gpuTest } from "../gpu.ts";
import { bgpt, type Outcome, spawnBgpt } from "./bgpt.ts";
import { inTempFolder, namesIn, writeFiles } from "./temp_folder.ts";

const sizes = "--patch-size 4 --patch-length 8 --hidden 64 --patch-layers 1 --byte-layers 1 --batch 1".split(
  " ",
);
const tiny = [...sizes, "--dropout", "0.1", "--save-every", "1", "--eval-share", "0"];

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** The process that trains in a folder, once it is another than before. */
async function trainingProcess(out: string, before: number): Promise<number> {
  while (true) {
    const pid = Number(await Deno.readTextFile(join(out, runLockName)).catch(() => 0));
    if (pid !== 0 && pid !== before) return pid;
    await pause(5);
  }
}

/** Resolves once the run has kept another checkpoint. */
async function nextCheckpoint(out: string): Promise<void> {
  const newest = () => {
    try {
      return namesIn(join(out, "checkpoints")).findLast((name) => /^step-\d+$/.test(name));
    } catch {
      return undefined;
    }
  };
  for (const before = newest(); newest() === before;) await pause(5);
}

function weightsOf(out: string, step: number): string {
  const folder = join(out, "checkpoints", `step-${String(step).padStart(8, "0")}`);
  return Deno.readFileSync(join(folder, "model.safetensors")).join();
}

Deno.test("a supervised run whose process is killed goes on by itself, and ends with the same bits", () =>
  inTempFolder(async (folder) => {
    const data = await writeFiles(join(folder, "data"), [9, 20, 0, 17]);
    const training = ["train", "--data", data, "--device", "reference", ...tiny, "--steps", "50"];
    const [whole, supervised] = [join(folder, "whole"), join(folder, "supervised")];
    assertEquals((await bgpt([...training, "--out", whole])).code, 0);

    const supervisor = spawnBgpt([...training, "--out", supervised, "--supervise"]);
    const killed: number[] = [];
    for (let kill = 0; kill < 2; kill++) {
      const pid = await trainingProcess(supervised, killed.at(-1) ?? 0);
      await nextCheckpoint(supervised);
      Deno.kill(pid, "SIGKILL");
      killed.push(pid);
    }
    const { code, stdout, stderr } = await supervisor.outcome();
    assertEquals(code, 0, stderr);
    assertMatch(stdout, /^Trained after 50 steps, /);
    for (const pid of killed) {
      assertMatch(
        stderr,
        new RegExp(
          `^Process ${pid} ended with SIGKILL; the run is kept up to step \\d+. Restart 1 of 5 in 1.0 s$`,
          "m",
        ),
      );
    }
    assertEquals(weightsOf(supervised, 50), weightsOf(whole, 50));
  }));

Deno.test("SIGINT to the supervisor ends the run after its step, and both processes", () =>
  inTempFolder(async (folder) => {
    const data = await writeFiles(join(folder, "data"), [9, 20]);
    const out = join(folder, "run");
    const training = ["train", "--data", data, "--out", out, "--device", "reference", ...tiny];
    const supervisor = spawnBgpt([...training, "--steps", "100000", "--supervise"]);
    await nextCheckpoint(out);
    supervisor.kill("SIGINT");
    const { code, stdout, stderr } = await supervisor.outcome();
    assertEquals(code, 0, stderr);
    // A slow machine tells its progress before the signal comes. Nothing else is said, such as of a restart.
    assertMatch(stderr, /^(Training .*\n)*$/);
    assertMatch(stdout, /^Stopped after \d+ steps?, [^]* --device reference --supervise --resume\n$/);
    new RunLock(out)[Symbol.dispose](); // Nobody works in the folder any more.
  }));

Deno.test("what would fail again is not tried again", () =>
  inTempFolder(async (folder) => {
    const training = ["train", "--data", join(folder, "missing"), "--out", join(folder, "run")];
    const missing = await bgpt([...training, "--supervise"]);
    assertEquals(missing.code, 1);
    assertMatch(missing.stderr, /^error: Cannot read "[^"\n]+": there is no such file or folder[^\n]*\n$/);
    const wrong = await bgpt([...training, "--supervise", "--hidden", "100"]);
    assertEquals([wrong.code, wrong.stderr.trimEnd().split("\n").length], [2, 1]);
  }));

Deno.test("restarts in a row without a new checkpoint are few, those with one are not counted", () =>
  inTempFolder(async (folder) => {
    const runs = join(folder, "runs");
    /** Notes that it ran, keeps a checkpoint in its first runs, and dies. */
    const program = (kept: number) => `
      Deno.writeTextFileSync(${JSON.stringify(runs)}, Deno.args.join() + "\\n", { append: true });
      const count = Deno.readTextFileSync(${JSON.stringify(runs)}).split("\\n").length - 1;
      if (count <= ${kept}) Deno.mkdirSync(${
      JSON.stringify(folder)
    } + "/checkpoints/step-" + count, { recursive: true });
      Deno.kill(Deno.pid, "SIGKILL");`;
    for (const kept of [0, 3]) {
      await Deno.remove(runs).catch(() => {});
      const command = [Deno.execPath(), "eval", program(kept)] as const;
      const supervised = () => supervise({ command, out: folder, pauses: [0.01, 0.02] });
      const message =
        `the run is kept up to step ${kept}. It failed 3 times in a row without a new checkpoint`;
      await assertRejects(supervised, Error, message);
      const lines = (await Deno.readTextFile(runs)).split("\n").slice(0, -1);
      // Without a run there is nothing to resume.
      assertEquals(lines, kept === 0 ? ["", "", ""] : ["", ...Array(kept + 1).fill("--resume")]);
    }
    const ended = { command: [Deno.execPath(), "eval", "Deno.exit(1)"] as const, out: folder };
    assertEquals((await assertRejects(() => supervise(ended), ToldError)).code, 1);
  }));

Deno.test("a launcher's code 1 is tried again where the run had got further, and only there", () =>
  inTempFolder(async (folder) => {
    // Keeps one checkpoint, in its first run, and notes that it ran.
    const program = `
      const [folder, resumed = "started"] = Deno.args;
      Deno.mkdirSync(folder + "/checkpoints/step-1", { recursive: true });
      Deno.writeTextFileSync(folder + "/runs", resumed + "\\n", { append: true });
      Deno.exit(1);`;
    for (const [ranks, runs] of [[false, "started\n"], [true, "started\n--resume\n"]] as const) {
      const out = join(folder, `${ranks}`);
      const command = [Deno.execPath(), "eval", program, out] as const;
      const supervised = () => supervise({ command, out, ranks, pauses: [0.01] });
      assertEquals((await assertRejects(supervised, ToldError)).code, 1);
      assertEquals(Deno.readTextFileSync(join(out, "runs")), runs);
    }
  }));

const failingGpu = fromFileUrl(new URL("./failing_gpu.ts", import.meta.url));

gpuTest(
  "a GPU that refuses a call or is lost ends a run with a line and code 3, and a supervised run goes on",
  () =>
    inTempFolder(async (folder) => {
      const data = await writeFiles(join(folder, "data"), [9, 24, 0, 17]);
      for (
        const [fault, message] of [["refuse", "The GPU refused a call: "], ["lose", "The GPU "]] as const
      ) {
        const out = join(folder, fault);
        const words = ["run", "-A", failingGpu, join(folder, `${fault}.marker`), fault];
        const training = ["train", "--data", data, "--device", "gpu", ...tiny, "--steps", "12", "--out", out];
        const failed = await outputOf([...words, ...training]);
        assertEquals(failed.code, 3, failed.stderr);
        const [line = ""] = failed.stderr.split("\n").filter((line) => line.startsWith("error: "));
        assertStringIncludes(line, message);
        assertMatch(line, /; (the run is kept up to step \d+|nothing of the run is kept yet)$/);

        await Deno.remove(join(folder, `${fault}.marker`));
        await Deno.remove(out, { recursive: true });
        await supervise({ command: [Deno.execPath(), ...words, ...training], out, pauses: [0.01] });
        weightsOf(out, 12);
      }
    }),
);

async function outputOf(args: string[]): Promise<Outcome> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

Deno.test("a run that vanished with its disk is not begun anew in its place", () =>
  inTempFolder(async (folder) => {
    const [out, runs] = [join(folder, "run"), join(folder, "runs")];
    await Deno.mkdir(join(out, "checkpoints", "step-500"), { recursive: true });
    const program = `
      Deno.writeTextFileSync(Deno.args[1], "started\\n", { append: true });
      Deno.removeSync(Deno.args[0], { recursive: true });
      Deno.exit(1);`;
    const command = [Deno.execPath(), "eval", program, out, runs] as const;
    await assertRejects(
      () => supervise({ command, out, ranks: true, pauses: [0.01, 0.01] }),
      Error,
      `ended with code 1, and the run in "${out}" is gone. Bring its disk back, then give the same command`,
    );
    assertEquals(await Deno.readTextFile(runs), "started\n");
  }));

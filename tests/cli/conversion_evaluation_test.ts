import { evaluateStrips, evaluationPlan, packStrip } from "@bgpt/core";
import { ReferenceEngine } from "@bgpt/kernels";
import { givenPatchCount, order3BitsPerByte, pairPatches } from "@bgpt/tasks";
import { assertAlmostEquals, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { lossRecord } from "../../cli/loss_record.ts";
import { xzByteLength } from "../../cli/xz_size.ts";
import { midiFile } from "../tasks/music/midi_files.ts";
import { bgpt } from "./bgpt.ts";
import { testSizes, writeCheckpoint } from "./checkpoints.ts";
import { assertRefused, type Refusal } from "./refused.ts";
import { inTempFolder } from "./temp_folder.ts";

const device = ["--device", "reference"];
const midi = midiFile([[0, 0x90, 60, 90, 9, 60, 0, 0, 0xff, 0x2f, 0]]);

/** A checkpoint, and a folder of two pairs, the second of which is cut. */
async function prepare(folder: string) {
  const checkpoint = join(folder, "checkpoint");
  const weights = await writeCheckpoint(checkpoint);
  const data = join(folder, "data");
  await Deno.mkdir(data);
  const files = {
    "a.abc": new TextEncoder().encode("L:1/8\nK:C\nCDE"),
    "a.mid": midi,
    "b.abc": midi,
    "b.mid": new Uint8Array(200).fill(7),
  };
  for (const [name, bytes] of Object.entries(files)) await Deno.writeFile(join(data, name), bytes);
  return { checkpoint, weights, data, files };
}

Deno.test("eval --pairs measures the target alone and the whole pair, as far as the model reads, beside baselines", () =>
  inTempFolder(async (folder) => {
    const { checkpoint, weights, data, files } = await prepare(folder);
    const args = ["eval", "--checkpoint", checkpoint, "--data", data, "--pairs", "abc->mid", ...device];
    const { code, stdout, stderr } = await bgpt([...args, "--json"]);
    assertEquals(code, 0, stderr);
    const { pairs, tooLong, target, pair, baselines, conversion } = JSON.parse(stdout).directions["abc->mid"];
    assertEquals([pairs, tooLong, conversion], [2, 0, undefined]);

    const { patchSize, patchLength } = testSizes;
    const plan = evaluationPlan(testSizes, 2 * patchLength);
    const engine = new ReferenceEngine();
    const execution = await engine.prepare(plan.plan);
    execution.write(plan.model.parameters, weights.parameters);
    const expected = async (given: (abc: Uint8Array) => number) => {
      const samples = (["a", "b"] as const).map((stem) => {
        const [abc, mid] = [files[`${stem}.abc`], files[`${stem}.mid`]];
        const tokens = pairPatches(
          { extension: "abc", bytes: abc },
          { extension: "mid", bytes: mid },
          testSizes,
        );
        return { tokens, givenPatches: given(abc) };
      });
      const strip = packStrip(samples, 2 * patchLength, patchSize);
      async function* strips() {
        yield { strip };
      }
      return lossRecord((await evaluateStrips(execution, plan, strips())).totals);
    };
    const figures = {
      target: await expected((abc) => givenPatchCount(abc.length, patchSize)),
      pair: await expected(() => 1),
    };
    for (const [name, actual] of Object.entries({ target, pair })) {
      const record = figures[name as keyof typeof figures];
      assertAlmostEquals(actual.lossNats, record.lossNats, 1e-9, name);
      assertAlmostEquals(actual.bpbBytes, record.bpbBytes!, 1e-9, name);
    }
    // Of b's 200 bytes the model reads 3 patches: the extension, 3 patches and the turn stand before them.
    const targets = [midi, files["b.mid"].subarray(0, 3 * 16)];
    assertAlmostEquals(baselines.order3, order3BitsPerByte([], targets), 1e-12);
    const learnt = await bgpt([...args, "--baseline-data", data, "--json"]);
    const afterTraining = JSON.parse(learnt.stdout).directions["abc->mid"].baselines;
    assertAlmostEquals(afterTraining.order3, order3BitsPerByte([midi, files["b.mid"]], targets), 1e-12);
    const xz = await xzByteLength(targets);
    assertEquals(baselines.xz, xz && 8 * xz / (midi.length + 48));
  }));

Deno.test("eval --pairs --convert tells both directions in a table, and what is missing on the machine", () =>
  inTempFolder(async (folder) => {
    const { checkpoint, data } = await prepare(folder);
    await Deno.writeTextFile(join(data, "c.abc"), "alone");
    const args = [
      "eval",
      "--checkpoint",
      checkpoint,
      "--data",
      data,
      "--pairs",
      "abc<->mid",
      "--convert",
      "1",
      ...device,
    ];
    const { code, stdout, stderr } = await bgpt(args, { PATH: "/nowhere" });
    assertEquals(code, 0, stderr);
    assertStringIncludes(stderr, `1 file left out without a partner: ${join(data, "c.abc")}\n`);
    assertStringIncludes(
      stderr,
      `1 source left out, too long to leave room for a target: ${join(data, "b.mid")}\n`,
    );
    assertStringIncludes(
      stderr,
      "Notes are left out: Cannot make MIDI of ABC: the program abc2midi is missing",
    );
    assertMatch(stdout, /^ +abc -> mid +mid -> abc\n +pairs +2 +1\n/);
    assertMatch(stdout, /^ +xz -9, all targets in one +not installed +not installed$/m);
    assertMatch(stdout, /^ +outputs +1 +1$/m);
    assertMatch(stdout, /^ +parse +0\.00 % +-$/m);
    assertMatch(stdout, /^ +notes +1 +-$/m);
  }));

Deno.test("eval refuses pairs that cannot be with one line", () =>
  inTempFolder(async (folder) => {
    const { checkpoint, data } = await prepare(folder);
    const of = (
      ...rest: string[]
    ) => ["eval", "--checkpoint", checkpoint, "--data", data, ...rest, ...device];
    const refusals: Refusal[] = [
      {
        args: of("--pairs", "abc&mid"),
        code: 2,
        message: `Cannot read pairs "abc&mid": two different extensions`,
      },
      {
        args: of("--convert", "2"),
        code: 2,
        message: "Cannot use --convert or --baseline-data without --pairs",
      },
      {
        args: of("--pairs", "abc->midi"),
        code: 1,
        message: "Cannot find pairs: of 4 files 2 end in .abc and 0 in .midi, none of which are called alike",
      },
    ];
    for (const refusal of refusals) await assertRefused(refusal);
  }));

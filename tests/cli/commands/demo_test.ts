import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { bgpt } from "../bgpt.ts";
import { assertRefused } from "../refused.ts";
import { inTempFolder } from "../temp_folder.ts";

Deno.test("demo trains, scores programs it never saw beside the trivial predictor, and leaves a checkpoint and a report", () =>
  inTempFolder(async (folder) => {
    // An earlier demo's folder is kept.
    const earlier = join(folder, "demo");
    const out = `${earlier}-2`;
    await Deno.mkdir(earlier);
    const device = ["--device", "cpu", "--threads", "1"];
    const args = ["demo", "--minutes", "0.05", "--out", earlier, ...device, "--json"];
    const { code, stdout, stderr } = await bgpt(args);
    assertEquals(code, 0, stderr);
    assertEquals([...Deno.readDirSync(earlier)], []);
    const { checkpoint, step, instructions, registers, report, scores } = JSON.parse(stdout);
    // How many fit into the time is the machine's affair; none has the 2,000 in it that the wide corner needs.
    assert(step >= 1, `${step} steps`);
    assertEquals([instructions, registers], [["CLR", "INC", "DEC"], 1]);
    assertEquals(JSON.parse(await Deno.readTextFile(join(checkpoint, "trainer.json"))).sampleKind, {
      given: "3",
    });

    // These are of the programs alone: others than those, or than all of them, have other figures.
    const { teacherForced, freeRunning } = scores;
    assertEquals(teacherForced.total, { bytes: 11296, states: 706, runs: 200 });
    assertEquals(teacherForced.trivial, { bytes: 10831, states: 241, runs: 0 });
    assertEquals(freeRunning.trivial, { bytes: 10640, states: 222, runs: 0 });
    assertEquals(report, join(out, "report.html"));
    const page = await Deno.readTextFile(report);
    assertStringIncludes(page, "The machine: CLR INC DEC HLT; register A and the accumulator ACC.");
    assertStringIncludes(page, "the trivial predictor&#39;s 34.13 % (95.88 % of bytes)");
    assertMatch(
      stderr,
      /The model (departs from the machine in state \d+ of|runs the program as the machine does, all) \d+/,
    );
  }));

Deno.test("demo refuses a time that is none", () =>
  assertRefused({ args: ["demo", "--minutes", "0"], code: 2, message: "--minutes" }));

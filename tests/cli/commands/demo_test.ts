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
    const { checkpoint, step, report, scores } = JSON.parse(stdout);
    // How many fit into the time is the machine's affair.
    assert(step >= 1, `${step} steps`);
    assertEquals(JSON.parse(await Deno.readTextFile(join(checkpoint, "trainer.json"))).sampleKind, {
      given: "4",
    });

    // These are of the programs alone: others than those, or than all of them, have other figures.
    const { teacherForced, freeRunning } = scores;
    assertEquals(teacherForced.total, { bytes: 22336, states: 1396, runs: 200 });
    assertEquals(teacherForced.trivial, { bytes: 21189, states: 308, runs: 0 });
    assertEquals(freeRunning.trivial, { bytes: 19720, states: 215, runs: 0 });
    assertEquals(report, join(out, "report.html"));
    const page = await Deno.readTextFile(report);
    assertStringIncludes(page, "the trivial predictor&#39;s 22.1 % (94.9 % of bytes)");
    assertMatch(stderr, /The model departs from the machine in state \d|to the end/);
  }));

Deno.test("demo refuses a time that is none", () =>
  assertRefused({ args: ["demo", "--minutes", "0"], code: 2, message: "--minutes" }));

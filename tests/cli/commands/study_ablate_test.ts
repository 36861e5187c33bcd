import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { bgpt, spawnBgpt } from "../bgpt.ts";
import { assertRefused } from "../refused.ts";
import { inTempFolder, namesIn, writeFiles } from "../temp_folder.ts";

const programs = ["--cpu-programs", "30", "--max-program", "3", "--memory", "16"];
const device = ["--device", "cpu", "--threads", "1"];

/** A configuration that is trained in no time. */
async function writeConfig(folder: string): Promise<readonly string[]> {
  const path = join(folder, "config.json");
  await Deno.writeTextFile(path, JSON.stringify({ hidden: 64, patchLayers: 1, patchLength: 6, batch: 2 }));
  return ["--config", path];
}

interface Result {
  readonly variant: string;
  readonly data: string;
  readonly seed: number;
  readonly stepFlops: number;
  readonly config: { readonly steps: number; readonly byteWindow?: number };
  readonly curve: readonly {
    readonly step: number;
    readonly samples: number;
    readonly bitsPerByte: number;
    readonly bytesPercent?: number;
  }[];
}

Deno.test("an ablation trains every variant on all data with the same arithmetic, and runs nothing twice", () =>
  inTempFolder(async (folder) => {
    const data = await writeFiles(join(folder, "data"), [30, 40, 50, 60]);
    const out = join(folder, "study");
    const study = ["study", "ablate", "--out", out, ...programs, "--data", `files=${data}`];
    const small = [...await writeConfig(folder), ...device, "--variants", "deep,window,base", "--json"];
    const budget = ["--budget", "0.0004"];
    const first = await bgpt([...study, ...small, ...budget, "--seeds", "1"]);
    assertEquals(first.code, 0, first.stderr);
    const { results, budgetFlops }: { results: Result[]; budgetFlops: number } = JSON.parse(first.stdout);
    assertEquals(
      results.map(({ data, variant }) => `${data} ${variant}`),
      ["cpu", "files"].flatMap((data) => ["base", "window", "deep"].map((variant) => `${data} ${variant}`)),
    );
    for (const { variant, data, stepFlops, config, curve } of results) {
      const flops = config.steps * stepFlops;
      assert(
        config.steps > 1 && flops <= budgetFlops && flops > budgetFlops - stepFlops,
        `${variant} ${flops}`,
      );
      const last = curve.at(-1)!;
      assertEquals(last.step, config.steps);
      assert(last.bitsPerByte > 0 && last.bitsPerByte < 9, `${last.bitsPerByte}`);
      assertEquals(last.bytesPercent !== undefined, data === "cpu");
      assert(last.samples >= 2 * config.steps, `${last.samples} samples in ${config.steps} steps`);
    }
    const stepsOf = (name: string) => results.find(({ variant }) => variant === name)!.config.steps;
    assert(
      stepsOf("deep") < stepsOf("base"),
      "one block more takes more arithmetic a step, so gets fewer steps",
    );

    const table = Deno.readTextFileSync(join(out, "study.md"));
    assertMatch(table, /^\| base \| \d\.\d{4} \| {2}\| \d+\.\d\d \| \d+\.\d\d \| not reached \| 1 \|/m);
    assertMatch(table, /^\| window \| \d\.\d{4} \| [+−]\d+\.\d\d % \|/m);
    assertMatch(table, /^\| trivial \| {2}\| {2}\| 9\d\.\d\d \|/m);
    assertEquals(Deno.readTextFileSync(join(out, "study.html")).match(/<svg /g)?.length, 4);

    // One seed more: what is there is kept, and only the new ones are run.
    const second = await bgpt([...study, ...small, ...budget, "--seeds", "2"]);
    assertEquals(second.code, 0, second.stderr);
    const more: Result[] = JSON.parse(second.stdout).results;
    assertEquals(more.filter(({ seed }) => seed === 0), results);
    assertEquals(more.length, 12);
    assertEquals(
      second.stderr.match(/^\[\d+ of 12\] \S+-seed\d/gm)?.map((line) => line.slice(-1)),
      Array(6).fill("1"),
    );
    assertMatch(
      Deno.readTextFileSync(join(out, "study.md")),
      /^\| base \| \d\.\d{4} ± \d\.\d{4} \| .* \| 2 \|/m,
    );
    await assertRefused({
      args: [...study, ...small, "--budget", "0.0005", "--seeds", "1"],
      code: 1,
      message:
        `Cannot go on with the study in "${out}": cpu-base-seed0 was run with other options or other data. ` +
        "Name a new folder",
    });

    // The weights of a run are a checkpoint like any other.
    const checkpoint = join(out, "files-window-seed0");
    const measured = await bgpt(["eval", "--checkpoint", checkpoint, "--data", data, ...device, "--json"]);
    assertEquals(measured.code, 0, measured.stderr);
  }));

Deno.test("an ablation that is stopped keeps the finished runs, and goes on with the same command", () =>
  inTempFolder(async (folder) => {
    const out = join(folder, "study");
    const study = [
      ...["study", "ablate", "--out", out, ...programs, ...await writeConfig(folder), ...device],
      ...["--variants", "base", "--seeds", "2", "--budget", "0.002"],
    ];
    const process = spawnBgpt(study);
    while (!await Deno.stat(join(out, "cpu-base-seed0.json")).then(() => true, () => false)) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    process.kill("SIGINT");
    const { code, stdout, stderr } = await process.outcome();
    assertEquals(code, 0, stderr);
    assertStringIncludes(stderr, "Stopped: 1 of 2 runs are kept; the same command goes on");
    assertStringIncludes(stdout, "cpu: fewest bits per byte with base, ");
    assertEquals(namesIn(out).filter((name) => name.includes("seed1")), []);
    const again = await bgpt(study);
    assertEquals(again.code, 0, again.stderr);
    assert(!again.stderr.includes("seed0"), again.stderr);
    assert(namesIn(out).includes("cpu-base-seed1.json"));
  }));

Deno.test("an ablation refuses what cannot be before anything is run", () =>
  inTempFolder(async (folder) => {
    const out = join(folder, "study");
    const study = ["study", "ablate", "--out", out, "--budget", "1e-4", ...device];
    const refused = [
      [
        [...programs, "--variants", "base,windw"],
        'Cannot use --variants windw: there is no such variant, did you mean "window"?',
      ],
      [[], "Cannot study without data. Give --data NAME=PATH, --pairs A->B=PATH or --cpu-programs N"],
      [["--data", folder], `Cannot use --data ${folder}: a name and a path are required, such as text=books`],
      [programs, 'Cannot train variant "base" on cpu with a budget of 0.0001 TFLOP: a step takes '],
      [[...programs, "--memory", "17"], "--memory"],
    ] as const;
    for (const [args, message] of refused) {
      await assertRefused({ args: [...study, ...args], code: 2, message });
    }
    assertEquals(namesIn(folder), []);
  }));

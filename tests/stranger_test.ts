import { assertEquals, assertMatch } from "@std/assert";
import { dirname, fromFileUrl, join, relative } from "@std/path";
import { packageNames } from "../tools/packages.ts";
import { inTempFolder } from "./cli/temp_folder.ts";

const root = join(import.meta.dirname!, "..");

async function deno(args: readonly string[], cwd: string): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd,
    env: { NO_COLOR: "1" },
  }).output();
  const decoder = new TextDecoder();
  const output = decoder.decode(stdout);
  assertEquals(code, 0, output + decoder.decode(stderr));
  return output + decoder.decode(stderr);
}

/** Copies exactly the files of a package that would be published. */
async function copyPublished(folder: string, to: string): Promise<void> {
  const args = ["publish", "--dry-run", "--allow-dirty", "--no-check", "--config", join(folder, "deno.json")];
  const report = await deno(args, root);
  const files = [...report.matchAll(/^ +(file:\/\/\S+) \(/gm)].map((match) => fromFileUrl(match[1]!));
  for (const file of files) {
    const path = join(to, relative(join(root, folder), file));
    await Deno.mkdir(dirname(path), { recursive: true });
    await Deno.copyFile(file, path);
  }
}

/** The dependencies of the root by name, which publishing takes from its workspace. */
const members = Object.fromEntries(packageNames.map((name) => [`@bgpt/${name}`, `jsr:@bgpt/${name}@^0.1.0`]));

/** What a stranger writes: trains a little, keeps the model, and lets it write. */
const program = `
import { CpuEngine, defaultSampling, extensionPatch, filePatches, generateBytes, packStrip, presets, Trainer, trainingPlan } from "@bgpt/bgpt";
import { main } from "@bgpt/cli";
import { type Checkpoint, modelConfig } from "@bgpt/core";
import { loadCheckpoint, saveCheckpoint } from "@bgpt/core/files";
import { type Engine, ReferenceEngine } from "@bgpt/kernels";
import { cpuStateFile } from "@bgpt/tasks";

const config = { ...presets.tiny, hidden: 64, patchLayers: 1, byteLayers: 1, patchLength: 80, warmup: 1 };
const { patchSize, patchLength } = config;
const tokens = filePatches(cpuStateFile(0, { seed: 1, maximumProgram: 4 }), "bin", { patchSize, patchLength });
const patchCapacity = tokens.length / patchSize;
const engine: Engine = await CpuEngine.create({ threads: 2 });
const trainer = await Trainer.create(engine, config, trainingPlan(config, patchCapacity));
for (let step = 0; step < 3; step++) trainer.train([packStrip([{ tokens }], patchCapacity, patchSize)]);
const losses = (await trainer.metrics()).map(({ totals }) => totals.lossNats / totals.positions);
const { parameters } = await trainer.state();
trainer.destroy();

const kept: Checkpoint = { model: modelConfig(config), parameters };
await saveCheckpoint("model", kept);
const { checkpoint: { model, parameters: loaded } } = await loadCheckpoint("model");
const [bytes] = await generateBytes(engine, model, loaded, {
  prefixes: [extensionPatch("bin", patchSize)],
  byteLimit: 20,
  sampling: { ...defaultSampling, greedy: true },
  ignoreEnd: true,
});
engine.destroy();
console.log(JSON.stringify({ losses, bytes: bytes!.length, oracle: new ReferenceEngine().name }));
Deno.exitCode = await main(["info", "model"]);
`;

Deno.test("a stranger's project trains, keeps a model and generates with the packages as they would be published", () =>
  inTempFolder(async (folder) => {
    for (const name of packageNames) await copyPublished(name, join(folder, "packages", name));
    const own = join(folder, "packages", "bgpt");
    await copyPublished(".", own);
    // Publishing writes the workspace's members into the root's imports; a workspace may not be within another.
    const { name, version, exports } = JSON.parse(await Deno.readTextFile(join(own, "deno.json")));
    await Deno.writeTextFile(
      join(own, "deno.json"),
      JSON.stringify({ name, version, exports, imports: members }),
    );

    const project = join(folder, "project");
    await Deno.mkdir(project);
    const { links } = JSON.parse(await Deno.readTextFile(join(root, "deno.json")));
    const config = {
      imports: { ...members, "@bgpt/bgpt": "jsr:@bgpt/bgpt@^0.1.0" },
      links: [
        ...["bgpt", ...packageNames].map((name) => `../packages/${name}`),
        ...links.map((link: string) => join(root, link)),
      ],
    };
    await Deno.writeTextFile(join(project, "deno.json"), JSON.stringify(config));
    await Deno.writeTextFile(join(project, "main.ts"), program);
    const output = await deno(["run", "--check", "-A", "main.ts"], project);
    const { losses, bytes, oracle } = JSON.parse(output.split("\n").find((line) => line.startsWith("{"))!);
    assertEquals([losses.length, bytes, oracle], [3, 20, "reference"]);
    assertEquals(losses.every((loss: number) => loss > 0 && loss < 7), true, `${losses}`);
    assertMatch(output, /^parameters +[\d,]+ parameters$/m);
  }));

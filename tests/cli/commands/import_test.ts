import { assertEquals, assertStringIncludes } from "@std/assert";
import { importTorchCheckpoint, readTorchCheckpoint } from "@bgpt/core";
import { loadCheckpoint } from "@bgpt/core/files";
import { join } from "@std/path";
import { sharedTest } from "../../shared.ts";
import { bgpt } from "../bgpt.ts";
import { assertRefused, type Refusal } from "../refused.ts";
import { inTempFolder, namesIn } from "../temp_folder.ts";

sharedTest(
  "import writes a checkpoint folder with everything that the published file holds",
  (fixtures) =>
    inTempFolder(async (folder) => {
      const published = `${fixtures}/checkpoints/weights-gen.pth`;
      const out = join(folder, "models", "gen");
      const { code, stdout } = await bgpt(["import", published, "--out", out, "--json"]);
      assertEquals(code, 0);
      const sizes = { patchSize: 8, patchLength: 16, hidden: 64, patchLayers: 1, byteLayers: 1 };
      assertEquals(JSON.parse(stdout), { out, parameters: 249_984, ...sizes });
      assertEquals(namesIn(out), ["config.json", "model.safetensors", "optimizer.safetensors"]);
      const { checkpoint } = await loadCheckpoint(out);
      const expected = importTorchCheckpoint(readTorchCheckpoint(Deno.readFileSync(published)), "");
      assertEquals(checkpoint, expected);

      const info = await bgpt(["info", out, "--tensors"]);
      assertEquals(info.code, 0);
      assertStringIncludes(info.stdout, "parameters        249,984 parameters\npatchSize         8\n");
      assertStringIncludes(info.stdout, "\npatch_level_decoder.patch_embedding.weight  [64, 2056]\n");
    }),
);

sharedTest(
  "import takes a published classifier with its labels, and info shows them",
  (fixtures) =>
    inTempFolder(async (folder) => {
      const out = join(folder, "cls");
      const imported = await bgpt(["import", `${fixtures}/checkpoints/weights-cls.pth`, "--out", out]);
      assertEquals([imported.code, imported.stdout], [
        0,
        `Imported 183,108 parameters and 4 classes to ${out}\n`,
      ]);
      const { stdout } = await bgpt(["info", out]);
      assertStringIncludes(stdout, "\nclasses           Sun.wav, Dog.txt, Cat.txt, Cat.bin\n");
      assertEquals(stdout.includes("byteLayers"), false);
      const { labels } = JSON.parse((await bgpt(["info", out, "--json"])).stdout);
      assertEquals(labels, ["Sun.wav", "Dog.txt", "Cat.txt", "Cat.bin"]);
    }),
);

sharedTest(
  "import refuses what is no whole checkpoint with one line, and writes nothing",
  (fixtures) =>
    inTempFolder(async (folder) => {
      const published = `${fixtures}/checkpoints/weights-gen.pth`;
      const cutOff = join(folder, "cut-off.pth");
      await Deno.writeFile(cutOff, (await Deno.readFile(published)).subarray(0, 2_000_000));
      const [out, missing, taken] = ["out", "missing.pth", "taken"].map((name) => join(folder, name));
      await Deno.mkdir(taken!);
      await Deno.writeTextFile(join(taken!, "config.json"), "mine");
      const into = (file: string, to = out!) => ["import", file, "--out", to];

      const refusals: Refusal[] = [
        {
          args: into(missing!),
          code: 1,
          message: `Cannot read "${missing}": there is no such file or folder`,
        },
        {
          args: into(cutOff),
          code: 1,
          message: `Cannot read PyTorch checkpoint "${cutOff}": it is not a complete zip`,
        },
        {
          args: into(published, taken),
          code: 1,
          message: `Cannot import to "${taken}": it holds "config.json". Name a new or an empty folder`,
        },
        {
          args: into(published, cutOff),
          code: 1,
          message: "is a file, where a folder must be. Choose another path",
        },
        { args: ["import", published], code: 2, message: "Missing --out DIR" },
      ];
      for (const refusal of refusals) await assertRefused(refusal);
      assertEquals(namesIn(folder), ["cut-off.pth", "taken"]);
      assertEquals(await Deno.readTextFile(join(taken!, "config.json")), "mine");
    }),
);

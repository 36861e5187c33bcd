import { assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { type Config, modelConfig, type PresetName, presets } from "@bgpt/core";
import { chooseConfig } from "../../cli/config_options.ts";
import { UsageError } from "../../cli/errors.ts";
import { resumedConfig } from "../../cli/resumed_config.ts";
import { inTempFolder } from "./temp_folder.ts";

/** What the command line of a run says, and the sizes of the model that it starts from. */
interface Choice {
  readonly preset?: PresetName;
  readonly recipe: "default" | "published";
  readonly config?: string;
  readonly init?: string;
}

Deno.test("whatever a run was started with, the same goes on with it; by flag or file it may get other steps", () =>
  inTempFolder(async (folder) => {
    const path = join(folder, "config.json");
    Deno.writeTextFileSync(path, JSON.stringify({ steps: 7, batch: 3 }));
    const flags = { dropout: 0.2 };
    const published = { recipe: "published" } as const;
    const ways: Choice[] = [
      { recipe: "default" },
      published,
      { preset: "v2-small", recipe: "default" },
      { preset: "v2", ...published },
      { preset: "small", ...published, config: path },
      { preset: "v2-tiny", recipe: "default", config: path, init: "weights" },
    ];
    for (const choice of ways) {
      const config = await chooseConfig(choice, flags, choice.init ? modelConfig(presets.small) : undefined);
      assertEquals(await resumedConfig(config, choice, flags), { config, overruled: [] });
      assertEquals((await resumedConfig(config, { recipe: "default" }, {})).config, config);
      const raised = { ...config, steps: 99_999 };
      assertEquals((await resumedConfig(config, choice, { ...flags, steps: 99_999 })).config, raised);
      const kept = choice.config === undefined ? raised : config;
      assertEquals((await resumedConfig(raised, choice, flags)).config, kept);
    }
  }));

Deno.test("a field of flags or file that would be another is refused, naming where it stands", () =>
  inTempFolder(async (folder) => {
    const path = join(folder, "config.json");
    Deno.writeTextFileSync(path, JSON.stringify({ seed: 4 }));
    const config = presets.tiny;
    const cases: [Config, Choice, Partial<Config>, string][] = [
      [config, { recipe: "default" }, { seed: 5 }, "with seed 5: the run was started with 0"],
      [
        config,
        { recipe: "default", config: path },
        {},
        `with seed 4 (--config ${path}): the run was started with 0`,
      ],
      [
        config,
        { recipe: "default", preset: "tiny" },
        { byteWindow: 32 },
        "with byteWindow 32: the run was started without",
      ],
    ];
    for (const [config, choice, flags, message] of cases) {
      const refused = () => resumedConfig(config, choice, flags);
      await assertRejects(refused, UsageError, `Cannot resume ${message}. Leave it out, or start a new run`);
    }
  }));

Deno.test("a preset or recipe that the run was not started with is overruled by the run, and that can be told", async () => {
  const config = { ...presets.tiny, byteWindow: 32 };
  const choice = { recipe: "published", preset: "small" } as const;
  const resumed = await resumedConfig(config, choice, { hidden: 128, patchLayers: 2 });
  assertEquals(resumed.config, config);
  const told = ["learningRate 0.0001 (--recipe published)", "patchLength 128 (--preset small)"];
  assertEquals(resumed.overruled.filter((field) => told.includes(field)), told);
  assertEquals(resumed.overruled.includes("no byteWindow (--preset small)"), true);
  assertEquals(resumed.overruled.some((field) => /^(hidden|patchLayers|steps) /.test(field)), false);
});

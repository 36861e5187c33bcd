import { assert, assertEquals } from "@std/assert";
import { modelConfig, presets, v2Architecture } from "@bgpt/core";
import { chooseConfig } from "../../cli/config_options.ts";

Deno.test("a v2 preset has the sizes of its published one, the architecture v2 and a rate for Muon", async () => {
  for (const [name, v2] of [["tiny", "v2-tiny"], ["small", "v2-small"], ["base", "v2"]] as const) {
    const { learningRate, ...config } = await chooseConfig({ preset: v2, recipe: "default" }, {});
    const { learningRate: published, ...sizes } = presets[name];
    assertEquals(config, { ...sizes, ...v2Architecture(sizes) });
    assert(
      learningRate > 7 * published && learningRate < 9 * published,
      `${learningRate} beside ${published}`,
    );
  }
});

Deno.test("weights of published architecture keep it under a v2 preset, which says how to train alone", async () => {
  const inherited = modelConfig(presets.small);
  const config = await chooseConfig({ preset: "v2-tiny", recipe: "default" }, {}, inherited);
  assertEquals(modelConfig(config), inherited);
  assert(!("byteWindow" in config) && !("positions" in config));
  assertEquals([config.optimizer, config.learningRate], ["muon", presets["v2-tiny"].learningRate]);
});

Deno.test("weights of the architecture v2 keep it under a published preset", async () => {
  const inherited = modelConfig(presets["v2-small"]);
  const config = await chooseConfig({ preset: "tiny", recipe: "default" }, { patchLength: 32 }, inherited);
  assertEquals(modelConfig(config), { ...inherited, patchLength: 32 });
});

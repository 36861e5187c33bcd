import { assertEquals } from "@std/assert";
import { checkConfig, presets, v2Architecture } from "@bgpt/core";
import { muonRate, variants } from "../../../cli/studies/variants.ts";

Deno.test("every variant is a configuration that can be, other than the base and than the other variants", () => {
  const configs = Object.entries(variants).map(([name, { changes }]) =>
    JSON.stringify(checkConfig({ ...presets.tiny, ...changes(presets.tiny) }, name))
  );
  assertEquals(new Set(configs).size, configs.length);
});

Deno.test("the variant v2 has the architecture of the presets of that name, at Muon's rate", () => {
  const learningRate = muonRate * presets.base.learningRate;
  assertEquals(variants["v2"]!.changes(presets.base), { ...v2Architecture(presets.base), learningRate });
  assertEquals({ ...presets["v2-tiny"], ...v2Architecture(presets.tiny) }, presets["v2-tiny"]);
});

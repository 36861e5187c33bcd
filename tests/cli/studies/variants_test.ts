import { assert, assertEquals } from "@std/assert";
import { checkConfig, presets, v2Architecture } from "@bgpt/core";
import { variants } from "../../../cli/studies/variants.ts";

Deno.test("every variant is a configuration that can be, other than the base and than the other variants", () => {
  const configs = Object.entries(variants).map(([name, { changes }]) =>
    JSON.stringify(checkConfig({ ...presets.tiny, ...changes(presets.tiny) }, name))
  );
  assertEquals(new Set(configs).size, configs.length);
});

Deno.test("the variant v2 is what the presets of that name have", () => {
  assertEquals(variants["v2"]!.changes(presets.base), v2Architecture);
  assert(
    Object.entries(v2Architecture).every(([key, value]) =>
      presets["v2-tiny"][key as keyof typeof v2Architecture] === value
    ),
  );
});

import { assertEquals } from "@std/assert";
import fc from "../fast_check.ts";
import { nearestName } from "@bgpt/core";

const known = ["patchSize", "patchLength", "hidden", "learning-rate", "seed"];

Deno.test("a mistyped name finds the one that was meant", () => {
  assertEquals(nearestName("pathSize", known), "patchSize");
  assertEquals(nearestName("patchlenght", known), "patchLength");
  assertEquals(nearestName("learning_rate", known), "learning-rate");
  assertEquals(nearestName("HIDDEN", known), "hidden");
  assertEquals(nearestName("sed", known), "seed");
});

Deno.test("a name that is near to none finds none", () => {
  for (const name of ["", "batch", "x", "completely-different"]) {
    assertEquals(nearestName(name, known), undefined);
  }
  assertEquals(nearestName("seed", []), undefined);
});

Deno.test("of two near names the nearer is found", () => {
  assertEquals(nearestName("layers", ["byteLayers", "layer", "layers"]), "layers");
});

Deno.test("one letter inserted, dropped or changed is always forgiven", () => {
  const edits = [
    (t: string, i: number) => t.slice(0, i) + "~" + t.slice(i),
    (t: string, i: number) => t.slice(0, i) + t.slice(i + 1),
    (t: string, i: number) => t.slice(0, i) + "~" + t.slice(i + 1),
  ];
  fc.assert(fc.property(fc.constantFrom(...known), fc.nat(), fc.constantFrom(...edits), (name, at, edit) => {
    assertEquals(nearestName(edit(name, at % name.length), known), name);
  }));
});

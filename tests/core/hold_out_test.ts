import { assertEquals, assertNotEquals } from "@std/assert";
import fc from "../fast_check.ts";
import { chooseSamples, holdOut, holdOutIndexes } from "@bgpt/core";
import { memorySamples } from "./memory_source.ts";

Deno.test("what is held out and what is trained on are all there is, and have nothing in common", () => {
  fc.assert(
    fc.property(fc.nat(200), fc.double({ min: 0, max: 0.5, noNaN: true }), fc.nat(), (count, share, seed) => {
      const { training, evaluation = [] } = holdOutIndexes(count, share, seed);
      const all = Array.from({ length: count }, (_, i) => i);
      assertEquals([...training, ...evaluation].sort((a, b) => a - b), all);
      const atLeastOne = share > 0 && count > 1 ? 1 : 0;
      if (atLeastOne) assertEquals(evaluation.length, Math.max(1, Math.round(count * share)));
      else assertEquals(evaluation, []);
    }),
  );
});

Deno.test("the same seed holds out the same samples, another seed others", () => {
  const namesOf = (seed: number) => {
    const { evaluation } = holdOut(memorySamples(Array(50).fill(1)), 0.2, seed);
    return Array.from({ length: evaluation!.count }, (_, i) => evaluation!.name(i));
  };
  assertEquals(namesOf(1), namesOf(1));
  assertNotEquals(namesOf(1), namesOf(2));
});

Deno.test("a smaller choice of samples is a part of a larger one, and nothing is chosen twice", () => {
  const source = memorySamples(Array(30).fill(1));
  const namesOf = (count: number, seed: number) => {
    const chosen = chooseSamples(source, count, seed);
    return new Set(Array.from({ length: chosen.count }, (_, i) => chosen.name(i)));
  };
  assertEquals([namesOf(5, 1).size, namesOf(99, 1).size], [5, 30]);
  assertEquals(namesOf(5, 1).difference(namesOf(12, 1)).size, 0);
  assertNotEquals(namesOf(5, 1), namesOf(5, 2));
});

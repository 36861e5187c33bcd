import { assertAlmostEquals, assertEquals } from "@std/assert";
import { learningRate, presets } from "@bgpt/core";

const config = { ...presets.tiny, learningRate: 0.01, warmup: 4, steps: 24 };

/** The learning rates of all steps, the first one's first. */
function rates(changes: Partial<typeof config>): number[] {
  const changed = { ...config, ...changes };
  return Array.from({ length: changed.steps }, (_, i) => learningRate(changed, i + 1));
}

Deno.test("the rate rises in equal parts over the warm-up and reaches its highest with the last of it", () => {
  for (const schedule of ["cosine", "constant"] as const) {
    for (const [i, rate] of rates({ schedule }).slice(0, 4).entries()) {
      assertAlmostEquals(rate, 0.0025 * (i + 1));
    }
  }
});

Deno.test("a cosine falls from the highest rate to a tenth of it, through 55 % half-way", () => {
  const cosine = rates({ schedule: "cosine" });
  assertAlmostEquals(cosine[13]!, 0.0055);
  assertAlmostEquals(cosine[23]!, 0.001);
  // A quarter of the way, cos(π/4) = 0.7071.
  assertAlmostEquals(cosine[8]!, 0.01 * (0.1 + 0.9 * 0.5 * (1 + Math.SQRT1_2)));
  for (let i = 4; i < 24; i++) assertEquals(cosine[i]! < cosine[i - 1]!, true, `step ${i + 1}`);
});

Deno.test("a constant rate stays where the warm-up left it", () => {
  assertEquals(new Set(rates({ schedule: "constant" }).slice(3)), new Set([0.01]));
});

Deno.test("without a warm-up the first step has the highest rate of a constant schedule, as published", () => {
  assertEquals(new Set(rates({ schedule: "constant", warmup: 0 })), new Set([0.01]));
});

Deno.test("a warm-up longer than the run reaches the highest rate with the last step", () => {
  const rising = rates({ warmup: 1000, steps: 10 });
  assertAlmostEquals(rising[0]!, 0.001);
  assertAlmostEquals(rising[9]!, 0.01);
});

Deno.test("steps beyond the configured ones keep the lowest rate", () => {
  assertAlmostEquals(learningRate({ ...config, schedule: "cosine" }, 100), 0.001);
});

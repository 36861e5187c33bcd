import { assertEquals } from "@std/assert";
import fc from "../fast_check.ts";
import { argmax } from "@bgpt/kernels";
import { engineTest } from "../engines.ts";
import { anyThreadsTest } from "./any_threads.ts";
import { compareWithReference, randomFloats, randomIntegers, runKernel } from "./compare.ts";

const rows = fc.oneof(fc.constantFrom(1, 15, 16, 17, 64, 65), fc.integer({ min: 1, max: 200 }));
const vocabulary = fc.oneof(fc.constantFrom(1, 2, 3, 4, 15, 16, 17, 257), fc.integer({ min: 1, max: 300 }));

engineTest(
  "the most probable token is the reference's at every size, of equals the lowest",
  async (engine) => {
    const cases = fc.asyncProperty(rows, vocabulary, fc.nat(), async (R, V, seed) => {
      await compareWithReference(engine, argmax, { R, V }, { logits: randomFloats(R * V, seed, 9) });
      const few = Float32Array.from(randomIntegers(R * V, seed, 3), (value) => value - 1);
      await compareWithReference(engine, argmax, { R, V }, { logits: few });
    });
    await fc.assert(cases, { numRuns: 30 });
  },
);

engineTest("the most probable token is found wherever it stands, also among infinities", async (engine) => {
  const V = 257;
  const logits = new Float32Array(V * V).fill(-Infinity);
  for (let v = 0; v < V; v++) logits[v * V + v] = v - 300;
  const { best } = await runKernel(engine, argmax, { R: V, V }, { logits });
  assertEquals([...best!], Array.from({ length: V }, (_, v) => v));
});

anyThreadsTest(argmax, [[{ R: 50, V: 257 }, { logits: randomFloats(50 * 257, 1) }]]);

import fc from "../fast_check.ts";
import { clear } from "@bgpt/kernels";
import { engineTest } from "../engines.ts";
import { compareWithReference } from "./compare.ts";

engineTest("clearing leaves zeros, in every element", async (engine) => {
  const length = fc.oneof(fc.constantFrom(1, 4, 255, 256, 257), fc.integer({ min: 1, max: 5000 }));
  const cases = fc.asyncProperty(length, async (length) => {
    await compareWithReference(engine, clear, { length }, {});
  });
  await fc.assert(cases, { numRuns: 20 });
});

import { assertEquals, assertRejects } from "@std/assert";
import { classify, type ModelConfig, parameterTable } from "@bgpt/core";
import { ReferenceEngine } from "@bgpt/kernels";
import { inspectFiles, predictTeacherForced } from "@bgpt/tasks";
import { memorySource } from "../core/memory_source.ts";

const model: ModelConfig = { patchSize: 16, patchLength: 8, hidden: 64, patchLayers: 1, byteLayers: 1 };
const program = { memory: new Uint8Array(16), states: new Uint8Array(32), instructionCount: 1 };

/** An engine that nothing has been prepared on. */
class UntouchedEngine extends ReferenceEngine {
  prepared = 0;
  override prepare(plan: Parameters<ReferenceEngine["prepare"]>[0]) {
    this.prepared++;
    return super.prepare(plan);
  }
}

Deno.test("who inspects, classifies or predicts with another model's parameters is refused before any work", async () => {
  const engine = new UntouchedEngine();
  const { storageLength } = parameterTable(model);
  const { storageLength: ofClassifier } = parameterTable(model, 2);
  for (const difference of [-64, 64]) {
    const other = (length: number) => ({ model, parameters: new Float32Array(length + difference) });
    const labelled = { ...other(ofClassifier), labels: ["a", "b"] };
    const noSamples = (async function* () {})();
    const runs: [number, () => Promise<unknown>][] = [
      [
        storageLength,
        () => Array.fromAsync(inspectFiles(engine, other(storageLength), memorySource([9]), { batch: 1 })),
      ],
      [storageLength, () => predictTeacherForced(engine, other(storageLength), [program], 1)],
      [ofClassifier, () => Array.fromAsync(classify(engine, labelled, noSamples, 4))],
    ];
    for (const [length, run] of runs) {
      const message = `Cannot use ${
        length + difference
      } numbers as parameters: the model's storage has ${length}`;
      await assertRejects(run, RangeError, message);
    }
  }
  assertEquals(engine.prepared, 0);
});

/**
 * Which class a file belongs to: probabilities over the classes of a checkpoint, strip by strip.
 * @module
 */
import { encodeStep, type Engine } from "@bgpt/kernels";
import type { Checkpoint } from "./checkpoint.ts";
import { classificationPlan, classifiedFiles } from "./classification_plan.ts";
import { checkStorage } from "./parameters.ts";
import { RandomStream } from "./random.ts";
import type { PatchSizes, Sample, SampleSource } from "./sample.ts";
import { packStrip } from "./strip.ts";

/** A file to classify. */
export interface NamedSample extends Sample {
  /** Its path. */
  readonly name: string;
}

/** What a classifier says of a file. */
export interface Classified {
  /** The name that it was given with. */
  readonly name: string;
  /** Number of its class, where that was given. */
  readonly label?: number;
  /** Of every class, by its number; they add up to 1. */
  readonly probabilities: Float64Array; // [K]
}

/** Strips whose logits are on their way back at the same time: Deno takes at least 10 ms for each, however many. */
const readsInFlight = 8;

/**
 * Classifies samples in the order in which they come, as many at a time as fit into a strip.
 * @param checkpoint a classifier: one with labels
 * @param patchCapacity P: patches of a strip, at least those of the longest sample
 * @throws {TypeError} when the checkpoint has no labels
 * @throws {RangeError} when the parameters are of another model, a sample does not fit, or the plan does not fit the
 * engine
 */
export async function* classify(
  engine: Engine,
  { model, labels, parameters }: Pick<Checkpoint, "model" | "labels" | "parameters">,
  samples: AsyncIterable<NamedSample>,
  patchCapacity: number,
): AsyncGenerator<Classified> {
  if (labels === undefined) {
    throw new TypeError("Cannot classify: the checkpoint has no labels. Use a classifier");
  }
  const plan = classificationPlan(model, patchCapacity, labels.length);
  checkStorage(plan.model.table, parameters);
  const execution = await engine.prepare(plan.plan);
  let pending: { readonly batch: readonly NamedSample[]; readonly logits: Promise<Float32Array> }[] = [];
  const collect = async function* () {
    for (const { batch, logits } of pending) {
      const rows = await logits;
      for (const [b, { name, label }] of batch.entries()) {
        const row = rows.subarray(b * labels.length, (b + 1) * labels.length);
        yield { name, ...(label !== undefined && { label }), probabilities: softmax(row) };
      }
    }
    pending = [];
  };
  try {
    execution.write(plan.model.parameters, parameters);
    execution.write(plan.model.step, encodeStep({}));
    for await (const batch of batchesOf(samples, patchCapacity, model.patchSize)) {
      plan.write(execution, packStrip(batch, patchCapacity, model.patchSize));
      execution.run("forward");
      pending.push({ batch, logits: execution.readFloats(plan.logits) });
      if (pending.length === readsInFlight) yield* collect();
    }
    yield* collect();
  } finally {
    await Promise.allSettled(pending.map(({ logits }) => logits));
    execution.destroy();
  }
}

/** Every sample of a source in its order, with its name; what is too long is cut at the head. */
export async function* samplesOnce(source: SampleSource, sizes: PatchSizes): AsyncGenerator<NamedSample> {
  const options = { ...sizes, cut: "head" } as const;
  for (let i = 0; i < source.count; i++) {
    yield { name: source.name(i), ...await source.read(i, options, new RandomStream(0)) };
  }
}

/**
 * As many samples at a time as a strip has room for.
 * @throws {RangeError} when one of them alone has none
 */
async function* batchesOf(
  samples: AsyncIterable<NamedSample>,
  patchCapacity: number,
  patchSize: number,
): AsyncGenerator<NamedSample[]> {
  let batch: NamedSample[] = [];
  let patchCount = 0;
  for await (const sample of samples) {
    const samplePatches = sample.tokens.length / patchSize;
    if (samplePatches > patchCapacity) {
      throw new RangeError(
        `Cannot classify "${sample.name}": it takes ${samplePatches} patches, a strip holds ${patchCapacity}. ` +
          "Raise patchCapacity, or cut the file to a shorter patch length",
      );
    }
    if (
      batch.length > 0 &&
      (patchCount + samplePatches > patchCapacity || batch.length === classifiedFiles(patchCapacity))
    ) {
      yield batch;
      batch = [];
      patchCount = 0;
    }
    batch.push(sample);
    patchCount += samplePatches;
  }
  if (batch.length > 0) yield batch;
}

function softmax(logits: Float32Array): Float64Array {
  const largest = logits.reduce((a, b) => Math.max(a, b), -Infinity);
  const terms = Float64Array.from(logits, (logit) => Math.exp(logit - largest));
  const sum = terms.reduce((a, b) => a + b, 0);
  return terms.map((term) => term / sum);
}

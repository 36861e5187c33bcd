/**
 * How a model sees files: what each byte costs it, and what it would have written there.
 * @module
 */
import {
  type Checkpoint,
  checkStorage,
  endOfPatch,
  evaluationPlan,
  type FileSource,
  type LossTotals,
  noLoss,
  type Strip,
  stripCapacity,
  stripsOnce,
  windowedSamples,
} from "@bgpt/core";
import { encodeStep, type Engine } from "@bgpt/kernels";

/** A file, byte by byte under a model. */
export interface InspectedFile {
  /** Where it came from. */
  readonly path: string;
  /** Its bytes. */
  readonly bytes: Uint8Array; // [N]
  /** Bits of each byte: −log₂ of the probability that the model gives it, all bytes before it known. */
  readonly bits: Float32Array; // [N]
  /** What the model finds most probable in place of each byte; 256 where that is the file's end. */
  readonly best: Uint16Array; // [N]
  /** What `bitsPerRealByte` and `bitsPerByteAsPublished` are of. */
  readonly totals: LossTotals;
}

/** How much is computed at a time. */
export interface InspectionOptions {
  /** Windows of full length in a strip. */
  readonly batch: number;
  /** Told after each strip: windows done, and all of them. */
  readonly onProgress?: (done: number, all: number) => void;
}

/**
 * Inspects every file of a source, in its order; a file beyond the patch length by the windows of
 * {@linkcode windowedSamples}.
 * @param checkpoint a generative one
 * @throws {RangeError} when the parameters are of another model
 */
export async function* inspectFiles(
  engine: Engine,
  { model, parameters }: Pick<Checkpoint, "model" | "parameters">,
  source: FileSource,
  { batch, onProgress }: InspectionOptions,
): AsyncGenerator<InspectedFile> {
  const windows = windowedSamples(source, model);
  const patchCapacity = stripCapacity(windows, { batch: Math.min(batch, windows.count), ...model });
  const plan = evaluationPlan(model, patchCapacity);
  checkStorage(plan.model.table, parameters);
  const execution = await engine.prepare(plan.plan);
  try {
    execution.write(plan.model.parameters, parameters);
    execution.write(plan.model.step, encodeStep({}));
    let [done, file] = [0, -1];
    let current: FileTally | undefined;
    for await (const { strip } of stripsOnce(windows, { ...model, patchCapacity, cut: "head", seed: 0 })) {
      plan.write(execution, strip);
      execution.run("clear", "forward", "predict");
      const [lossNats, best] = await Promise.all([
        execution.readFloats(plan.lossNats),
        execution.readIntegers(plan.best),
      ]);
      for (const { firstPatch, patchCount } of strip.samples) {
        const window = windows.window(done++);
        if (window.file !== file) {
          if (current !== undefined) yield current.result();
          file = window.file;
          current = new FileTally(source.files[file]!);
        }
        const [from, to] = [firstPatch + window.givenPatches - 1, firstPatch + patchCount - 1];
        current!.add(strip, lossNats, best, from * model.patchSize, to * model.patchSize);
      }
      onProgress?.(done, windows.count);
    }
    if (current !== undefined) yield current.result();
  } finally {
    execution.destroy();
  }
}

/** What is known of a file whose windows come one after another. */
class FileTally {
  readonly #path: string;
  readonly #bytes: Uint8Array;
  readonly #bits: Float32Array;
  readonly #best: Uint16Array;
  #byteCount = 0;
  #totals = noLoss;

  constructor({ path, byteLength }: FileSource["files"][number]) {
    this.#path = path;
    this.#bytes = new Uint8Array(byteLength);
    this.#bits = new Float32Array(byteLength);
    this.#best = new Uint16Array(byteLength);
  }

  /** Adds the positions of a strip that one window scores. */
  add(
    { nextPatches }: Strip,
    lossNats: Float32Array, // [P · S]
    best: Uint32Array, // [P · S]
    from: number,
    to: number,
  ): void {
    let { lossNats: total, byteNats } = this.#totals;
    for (let position = from; position < to; position++) {
      const [token, nats] = [nextPatches[position]!, lossNats[position]!];
      total += nats;
      if (token === endOfPatch) continue;
      byteNats += nats;
      this.#bytes[this.#byteCount] = token;
      this.#bits[this.#byteCount] = nats / Math.LN2;
      this.#best[this.#byteCount++] = best[position]!;
    }
    const positions = this.#totals.positions + to - from;
    this.#totals = { lossNats: total, positions, byteNats, bytes: this.#byteCount, correct: 0 };
  }

  result(): InspectedFile {
    return { path: this.#path, bytes: this.#bytes, bits: this.#bits, best: this.#best, totals: this.#totals };
  }
}

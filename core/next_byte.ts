/**
 * The model as a predictor of bytes, one after the other, of many sequences in step.
 * @module
 */
import { type Engine, type Execution, sequenceWords } from "@bgpt/kernels";
import { type CodingPlan, codingPlan } from "./coding_plan.ts";
import type { ModelConfig } from "./config.ts";
import { checkStorage } from "./parameters.ts";
import { endOfPatch } from "./patches.ts";

/** How many sequences, and how long. */
export interface NextByteSizes {
  /** B: sequences. */
  readonly sequenceCount: number;
  /** Patches of a sequence that a byte is predicted from, its first one included; at most the patch length. */
  readonly slotPatches: number;
}

/**
 * Predicts the next byte of B sequences, then takes what it was. What a sequence is given decides its logits, to the
 * last bit on the strict cpu engine, whatever the others are given.
 *
 * @example
 * ```ts
 * import { extensionPatch, initialParameters, NextByte, parameterTable, presets } from "@bgpt/core";
 * import { CpuEngine } from "@bgpt/kernels";
 *
 * const engine = await CpuEngine.create();
 * const parameters = initialParameters(parameterTable(presets.tiny), 1);
 * const model = await NextByte.create(engine, presets.tiny, parameters, { sequenceCount: 2, slotPatches: 8 });
 * model.start(extensionPatch("txt", presets.tiny.patchSize));
 * const logits = await model.next(); // [2, 257]
 * model.push(Uint8Array.of(72, 73));
 * console.log(logits.length);
 * engine.destroy();
 * ```
 */
export class NextByte {
  /** B: sequences. */
  readonly sequenceCount: number;
  readonly #plan: CodingPlan;
  readonly #execution: Execution;
  /** The bytes so far of each patch being made. */
  readonly #rows: Uint32Array; // [B, S]
  #patchCount = 0;
  #byteCount = 0;
  /** Programs that have to run before the next byte. */
  #before: readonly string[] = [];

  private constructor(plan: CodingPlan, execution: Execution) {
    this.sequenceCount = plan.sequenceCount;
    this.#plan = plan;
    this.#execution = execution;
    this.#rows = new Uint32Array(plan.row.length);
  }

  /**
   * Places the model on an engine.
   * @param parameters flat, in the order of the parameter table
   * @throws {RangeError} when it does not fit, or the parameters are another model's
   */
  static async create(
    engine: Engine,
    config: ModelConfig,
    parameters: Float32Array,
    { sequenceCount, slotPatches }: NextByteSizes,
  ): Promise<NextByte> {
    const plan = codingPlan(config, sequenceCount, slotPatches);
    checkStorage(plan.model.table, parameters);
    const execution = await engine.prepare(plan.plan);
    execution.write(plan.model.parameters, parameters);
    return new NextByte(plan, execution);
  }

  /**
   * Begins all sequences anew.
   * @param firstPatch the patch that each begins with: tokens [S]
   * @throws {RangeError} when it has another length, or what is no token
   */
  start(firstPatch: Uint16Array): void {
    const { patches, sequenceCount, slotPatches, model: { S } } = this.#plan;
    if (firstPatch.length !== S) {
      throw new RangeError(
        `Cannot start from a patch of ${firstPatch.length} tokens: it must have as many as a patch of the model, ${S}`,
      );
    }
    const wrong = firstPatch.find((token) => token > endOfPatch);
    if (wrong !== undefined) {
      throw new RangeError(`Cannot start from token ${wrong}: tokens are 0 to ${endOfPatch}`);
    }
    const tokens = new Uint32Array(patches.length);
    for (let b = 0; b < sequenceCount; b++) tokens.set(firstPatch, b * slotPatches * S);
    this.#execution.write(patches, tokens);
    this.#rows.fill(endOfPatch);
    this.#patchCount = 1;
    this.#byteCount = 0;
    this.#before = ["patch"];
  }

  /**
   * The logits of every sequence's next byte.
   * @returns [B, V]
   * @throws {RangeError} when the sequences are full, or were not started
   */
  next(): Promise<Float32Array> {
    this.#checkRoom("predict");
    this.#writeState();
    this.#execution.run(...this.#before, "byte");
    this.#before = [];
    return this.#execution.readFloats(this.#plan.logits);
  }

  /**
   * Tells what the bytes were.
   * @param bytes [B]
   * @throws {RangeError} when they are not as many as the sequences, or those are full, or were not started
   */
  push(bytes: Uint8Array): void {
    const { sequenceCount, model: { S } } = this.#plan;
    if (bytes.length !== sequenceCount) {
      throw new RangeError(
        `Cannot take ${bytes.length} bytes: there are ${sequenceCount} sequences, and each needs one`,
      );
    }
    this.#checkRoom("take");
    for (const [b, byte] of bytes.entries()) this.#rows[b * S + this.#byteCount] = byte;
    if (++this.#byteCount < S) return;
    this.#writeState();
    this.#execution.run("append");
    this.#before = ["patch"];
    this.#patchCount++;
    this.#byteCount = 0;
    this.#rows.fill(endOfPatch);
  }

  /** Frees its memory. */
  destroy(): void {
    this.#execution.destroy();
  }

  #checkRoom(verb: "predict" | "take"): void {
    const { slotPatches } = this.#plan;
    if (this.#patchCount >= 1 && this.#patchCount <= slotPatches) return;
    throw new RangeError(
      `Cannot ${verb} a byte behind ${this.#patchCount} patches: a sequence has from 1 to ${slotPatches}. ` +
        "Begin anew with start()",
    );
  }

  #writeState(): void {
    const { row, sequences, sequenceCount } = this.#plan;
    const states = new Uint32Array(sequences.length);
    for (let b = 0; b < sequenceCount; b++) {
      states.set([this.#patchCount, this.#byteCount], sequenceWords * b);
    }
    this.#execution.write(row, this.#rows);
    this.#execution.write(sequences, states);
  }
}

/**
 * What a model predicts for files of CPU states: every state from the true ones before it, or the whole run from
 * memory and state 0 alone.
 * @module
 */
import {
  type Checkpoint,
  checkStorage,
  defaultSampling,
  evaluationPlan,
  extensionPatch,
  filePatches,
  generateBytes,
  packStrip,
  patchCountOf,
} from "@bgpt/core";
import { encodeStep, type Engine } from "@bgpt/kernels";
import { stateBytes } from "./machine.ts";
import type { StatePredictions } from "./score.ts";
import type { StateFile } from "./state_file.ts";

/** The extension that files of CPU states are trained under. */
export const stateFileExtension = "bin";

/** What a prediction needs of a checkpoint. */
export type PredictingModel = Pick<Checkpoint, "model" | "parameters">;

/** The whole file: memory and states. */
function fileBytes({ memory, states }: StateFile): Uint8Array {
  const bytes = new Uint8Array(memory.length + states.length);
  bytes.set(memory);
  bytes.set(states, memory.length);
  return bytes;
}

/**
 * Predicts, file by file, the states 1..n from the true bytes before each one: the most probable byte at every
 * position, all bytes before it being true.
 * @param batch files computed at a time
 * @returns 16 values for each state; 256 where the model expects an end
 * @throws {RangeError} when the parameters are of another model, a patch is not a state, or a file does not fit the patch
 * length
 */
export async function predictTeacherForced(
  engine: Engine,
  { model, parameters }: PredictingModel,
  files: readonly StateFile[],
  batch: number,
): Promise<Uint16Array[]> {
  checkPredictable(model, files);
  const { patchSize: S, patchLength } = model;
  const tokens = files.map((file) =>
    filePatches(fileBytes(file), stateFileExtension, { patchSize: S, patchLength })
  );
  const longest = Math.max(...tokens.map(({ length }) => length / S));
  const plan = evaluationPlan(model, longest * Math.min(batch, files.length));
  checkStorage(plan.model.table, parameters);
  const execution = await engine.prepare(plan.plan);
  execution.write(plan.model.parameters, parameters);
  execution.write(plan.model.step, encodeStep({}));
  const predictions: Uint16Array[] = [];
  for (let first = 0; first < files.length; first += batch) {
    const group = tokens.slice(first, first + batch);
    plan.write(execution, packStrip(group.map((tokens) => ({ tokens })), plan.model.P, S));
    execution.run("clear", "forward", "predict");
    const best = await execution.readIntegers(plan.best);
    let start = 0;
    for (const [i, fileTokens] of group.entries()) {
      const { memory, instructionCount } = files[first + i]!;
      // Row p predicts patch p + 1; in front of state 1 stand the extension, the memory and state 0.
      const row = start + 1 + memory.length / S;
      predictions.push(Uint16Array.from(best.subarray(row * S, (row + instructionCount) * S)));
      start += fileTokens.length / S;
    }
  }
  execution.destroy();
  return predictions;
}

/**
 * Runs programs in the model, greedily: from the memory and state 0 it writes states until it ends the file, one state
 * more than the longest program at most.
 * @param batch programs run at a time
 * @throws {RangeError} when a patch is not a state, or a file does not fit the patch length
 */
export async function predictFreeRunning(
  engine: Engine,
  { model, parameters }: PredictingModel,
  files: readonly StateFile[],
  batch: number,
): Promise<Uint8Array[]> {
  checkPredictable(model, files);
  const { patchSize: S } = model;
  const outputs: Uint8Array[] = [];
  for (let first = 0; first < files.length; first += batch) {
    const group = files.slice(first, first + batch);
    const prefixes = group.map(({ memory, states }) =>
      Uint16Array.from([
        ...extensionPatch(stateFileExtension, S),
        ...memory,
        ...states.subarray(0, stateBytes),
      ])
    );
    const longest = Math.max(...group.map(({ instructionCount }) => instructionCount));
    const request = {
      prefixes,
      byteLimit: (longest + 1) * stateBytes,
      sampling: { ...defaultSampling, greedy: true },
    };
    outputs.push(...await generateBytes(engine, model, parameters, request));
  }
  return outputs;
}

/** Both predictions of every file. */
export async function predictStates(
  engine: Engine,
  model: PredictingModel,
  files: readonly StateFile[],
  batch: number,
): Promise<Required<StatePredictions>[]> {
  const teacherForced = await predictTeacherForced(engine, model, files, batch);
  const freeRunning = await predictFreeRunning(engine, model, files, batch);
  return files.map((_, i) => ({ teacherForced: teacherForced[i]!, freeRunning: freeRunning[i]! }));
}

/**
 * Checks that a model can predict these files; of none, that it can predict any.
 * @throws {RangeError} when a patch is not a state, or a file does not fit the patch length
 */
export function checkPredictable(
  { patchSize, patchLength }: Pick<Checkpoint["model"], "patchSize" | "patchLength">,
  files: readonly StateFile[],
): void {
  if (patchSize !== stateBytes) {
    throw new RangeError(
      `Cannot predict CPU states with patches of ${patchSize} bytes: a patch must be a state, ${stateBytes} bytes`,
    );
  }
  for (const file of files) {
    const patches = patchCountOf(file.memory.length + file.states.length, patchSize);
    if (patches > patchLength) {
      throw new RangeError(
        `Cannot predict a file of ${patches} patches: the model's patch length is ${patchLength}. ` +
          "Use shorter programs or less memory",
      );
    }
  }
}

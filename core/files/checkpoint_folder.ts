import { join, resolve } from "@std/path";
import { type Checkpoint, type CheckpointParts, decodeCheckpoint, encodeCheckpoint } from "../checkpoint.ts";
import { newestCompleteFolder, writeFolderAtomically } from "./atomic_folder.ts";
import { newName, temporaryPrefix } from "./atomic_names.ts";
import { runLockName } from "./run_lock.ts";

/** A checkpoint and the folder that it was read from. */
export interface LoadedCheckpoint {
  /** The folder itself, where a run's was asked for. */
  readonly path: string;
  /** What it holds. */
  readonly checkpoint: Checkpoint;
  /** What is wrong with newer checkpoints of the run, which were passed over. */
  readonly passedOver: readonly string[];
}

/** Step checkpoints that a run keeps besides the best one. */
const keptCheckpoints = 2;

/** Writes a checkpoint folder; a kill at any instant leaves the previous one of that name or the new one. */
export async function saveCheckpoint(path: string, checkpoint: Checkpoint): Promise<void> {
  await writeFolderAtomically(path, encodeCheckpoint(checkpoint));
}

/**
 * Keeps a checkpoint of a run as `checkpoints/step-N`, and as `checkpoints/best` too when it is the best; older steps
 * beyond the last two are removed.
 * @returns the folder of this step
 */
export async function saveRunCheckpoint(run: string, checkpoint: Checkpoint, best: boolean): Promise<string> {
  const step = checkpoint.run?.step ?? 0;
  const path = join(run, "checkpoints", `step-${String(step).padStart(8, "0")}`);
  // The best first: a run that goes on from this step takes it as kept, one from before writes it again.
  if (best) await saveCheckpoint(join(run, "checkpoints", "best"), checkpoint);
  await saveCheckpoint(path, checkpoint);
  // A newer step is a damaged one that the run did not go on from: it does not count.
  const steps = (await stepFolders(run)).filter((folder) => folder.step <= step);
  for (const old of steps.slice(keptCheckpoints)) await Deno.remove(old.path, { recursive: true });
  return path;
}

/**
 * Reads a checkpoint folder, or the newest good checkpoint of a run's folder.
 * @param parts `weights` leaves out the optimizer's state, twice as large as the weights
 * @throws {Error} when there is none
 * @throws {SyntaxError} when it is damaged or foreign
 */
export async function loadCheckpoint(
  path: string,
  parts: CheckpointParts = "all",
): Promise<LoadedCheckpoint> {
  // A run's folder is never written as a whole: what stands beside it is none of its content.
  const isRun = await exists(join(path, "checkpoints"));
  const own = isRun ? resolve(path) : await newestCompleteFolder(path);
  if (own === undefined) {
    throw new Error(`Cannot read checkpoint "${path}": there is no such folder. Check the path`);
  }
  if (await exists(join(own, "model.safetensors"))) {
    return { path: own, checkpoint: await readFolder(own, parts), passedOver: [] };
  }
  const passedOver: string[] = [];
  for (const { path: folder } of await stepFolders(own)) {
    try {
      const checkpoint = await readFolder(folder, parts);
      if (checkpoint.run === undefined) {
        throw new SyntaxError(`Cannot read checkpoint "${folder}": trainer.json is missing`);
      }
      return { path: folder, checkpoint, passedOver };
    } catch (error) {
      passedOver.push((error as Error).message);
    }
  }
  const reason = passedOver[0] ?? `it holds no model.safetensors, and no checkpoints of a run`;
  throw new SyntaxError(`Cannot read checkpoint "${path}": ${reason}`);
}

/**
 * What a folder holds of a run: `kept` once there is a checkpoint, which another run must not touch; `begun` before the
 * first one, when there is nothing to lose, so that the run may begin anew; `nothing` otherwise.
 */
export async function runIn(path: string): Promise<"nothing" | "begun" | "kept"> {
  if ((await stepFolders(path)).length > 0) return "kept";
  if (await exists(join(path, runLockName))) return "begun";
  const metrics = join(path, "metrics.jsonl");
  return await exists(metrics) && (await Deno.stat(metrics)).size > 0 ? "kept" : "nothing";
}

/** The step of a run's newest checkpoint, good or not; undefined before the first. */
export async function newestStep(run: string): Promise<number | undefined> {
  return (await stepFolders(run))[0]?.step;
}

/** Removes what a killed run was writing: a checkpoint takes as much room as a good one. The run must be locked. */
export async function removeUnfinishedCheckpoints(run: string): Promise<void> {
  const parent = join(run, "checkpoints");
  if (!await exists(parent)) return;
  for await (const { name } of Deno.readDir(parent)) {
    const [own] = name.match(/step-\d+|best/) ?? [];
    if (own !== undefined && name.startsWith(temporaryPrefix(own))) {
      await Deno.remove(join(parent, name), { recursive: true });
    }
  }
}

interface StepFolder {
  readonly step: number;
  readonly path: string;
}

/** Folders of a run's step checkpoints, the newest first. */
async function stepFolders(run: string): Promise<StepFolder[]> {
  const parent = join(run, "checkpoints");
  if (!await exists(parent)) return [];
  const folders: (StepFolder & { readonly isNew: boolean })[] = [];
  for await (const { name } of Deno.readDir(parent)) {
    const [own = "", step] = name.match(/step-(\d+)/) ?? [];
    const isNew = name === newName(own);
    if (isNew || name === own) folders.push({ step: Number(step), path: join(parent, name), isNew });
  }
  // Of the same step, the one that a kill left beside its place is the newer.
  return folders.sort((a, b) => b.step - a.step || Number(b.isNew) - Number(a.isNew));
}

async function readFolder(path: string, parts: CheckpointParts): Promise<Checkpoint> {
  const read = async (name: string) => {
    try {
      return await Deno.readFile(join(path, name));
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
  };
  return await decodeCheckpoint(read, path, parts);
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return false;
    throw error;
  }
}

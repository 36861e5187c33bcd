import { diskReason, removeUnfinishedCheckpoints, runIn, RunLock } from "@bgpt/core/files";
import { makeFolder } from "./make_folder.ts";

/**
 * Takes the folder of a run for this process, and makes it where it is missing. A run counts from its first checkpoint on:
 * before, the folder may be begun in anew.
 * @param resumes whether the run in it, if there is one, goes on
 * @throws {Error} when it holds another run, or another process works in it
 */
export async function takeRunFolder(out: string, resumes: boolean): Promise<RunLock> {
  makeFolder(out);
  await refuseOtherRun(out, resumes);
  const lock = new RunLock(out);
  try {
    // Another process may have begun one, and ended, since we looked.
    await refuseOtherRun(out, resumes);
    await removeUnfinishedCheckpoints(out);
    return lock;
  } catch (error) {
    lock[Symbol.dispose]();
    throw error;
  }
}

/** Whether a run is to begin here: the folder is missing or empty, or a run was begun in it and kept nothing yet. */
export async function isToBegin(out: string): Promise<boolean> {
  const found = await runIn(out);
  return found === "begun" || found === "nothing" && isEmpty(out);
}

function isEmpty(path: string): boolean {
  try {
    for (const _ of Deno.readDirSync(path)) return false;
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return true;
    throw new Error(`Cannot read folder "${path}": ${diskReason(error)}`, { cause: error });
  }
}

async function refuseOtherRun(out: string, resumes: boolean): Promise<void> {
  if (resumes || await runIn(out) !== "kept") return;
  throw new Error(
    `Cannot start a run in "${out}": it holds another run. Name a new folder, or add --resume`,
  );
}

import { join } from "@std/path";
import type { AblationData } from "./ablation_data.ts";
import type { AblationPlan, AblationResult } from "./ablation_run.ts";
import { readRecordFile, writeRecordFile } from "./record_file.ts";

/** What is kept of a finished run. */
interface KeptResult {
  /** JSON of what has to be the same for it to be that run. */
  readonly request: string;
  readonly result: AblationResult;
}

/**
 * The result that a run left, where it is finished.
 * @throws {Error} when a run of that name was another
 */
export async function keptResult(
  folder: string,
  name: string,
  plan: AblationPlan,
  data: AblationData,
): Promise<AblationResult | undefined> {
  const kept = await readRecordFile<KeptResult>(recordPath(folder, name));
  if (kept === undefined) return undefined;
  // What wrote it may have had its fields in another order.
  if (orderedJson(JSON.parse(kept.request)) === requestOf(plan, data)) return kept.result;
  throw new Error(
    `Cannot go on with the study in "${folder}": ${name} was run with other options or other data. Name a new folder`,
  );
}

/** Keeps the result of a finished run. */
export async function keepResult(
  folder: string,
  name: string,
  data: AblationData,
  result: AblationResult,
): Promise<void> {
  const record: KeptResult = { request: requestOf(result, data), result };
  await writeRecordFile(recordPath(folder, name), record);
}

function recordPath(folder: string, name: string): string {
  return join(folder, `${name}.json`);
}

/** What has to be the same for a result to be that of a run. */
function requestOf(
  { config, stepFlops }: AblationPlan,
  { note, training, evaluation }: AblationData,
): string {
  const heldOut = evaluation.reduce((sum, { source }) => sum + source.count, 0);
  return orderedJson({ config, stepFlops, note, samples: training.count, heldOut });
}

/** JSON that is the same whatever order the fields have. */
function orderedJson(value: unknown): string {
  return JSON.stringify(value, (_, part) => {
    if (typeof part !== "object" || part === null || Array.isArray(part)) return part;
    return Object.fromEntries(Object.entries(part).sort(([a], [b]) => a < b ? -1 : 1));
  });
}

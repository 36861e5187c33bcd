import { join } from "@std/path";
import type { AblationData } from "./ablation_data.ts";
import type { AblationPlan, AblationResult } from "./ablation_run.ts";

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
  const path = recordPath(folder, name);
  let text;
  try {
    text = await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  const kept = parsed(text, path);
  if (kept.request === requestOf(plan, data)) return kept.result;
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
  const record = { request: requestOf(result, data), result };
  const path = recordPath(folder, name);
  // Under another name first: half a record would have to be removed by hand.
  await Deno.writeTextFile(`${path}.part`, JSON.stringify(record, null, 2) + "\n");
  await Deno.rename(`${path}.part`, path);
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
  return JSON.stringify({ config, stepFlops, note, samples: training.count, heldOut });
}

function parsed(text: string, path: string): { request: string; result: AblationResult } {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`Cannot read "${path}": ${(error as Error).message}. Remove it to run it again`);
  }
}

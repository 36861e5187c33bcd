import { type Engine, GpuEngine, type Plan, tune } from "@bgpt/kernels";
import { dirname, join } from "@std/path";
import { cacheFolder } from "./cache_folder.ts";
import { note } from "./terminal.ts";
import { formatCount } from "./units.ts";

/** `--tune`, for the commands that train. */
export const tuneOption = {
  kind: "flag",
  negatable: true,
  help:
    "time the likeliest tiles of matrix products, once for each size, and keep in the cache which are the fastest on " +
    "this GPU; --no-tune goes by estimate (default: tune where there is a real GPU)",
} as const;

/**
 * Finds out which variant of each kernel call of a plan is the fastest on a GPU; what another run has found comes from the
 * cache. Other engines have nothing to choose from.
 * @param wanted what `--tune` says; a real GPU is tuned when it says nothing
 * @param cache the folder of what was found, none where there is none
 */
export async function tuneFor(
  engine: Engine,
  plan: Plan,
  wanted?: boolean,
  cache: string | undefined = tuningFolder(),
): Promise<void> {
  if (!(engine instanceof GpuEngine)) return;
  if (!(wanted ?? engine.gpu.kind === "hardware")) return;
  const path = cache && join(cache, `${engine.description.replaceAll(/[^\w.]+/g, "-").toLowerCase()}.json`);
  for (const [key, variant] of await readChoices(path)) engine.tuning.set(key, variant);
  const count = engine.untunedCalls(plan).size;
  if (count === 0) return;
  note(
    `Trying which tiles are the fastest in ${formatCount(count, "kernel")}; this is done once for each size`,
  );
  await tune(engine, plan);
  await writeChoices(path, engine.tuning);
}

/** It has a file for each adapter. */
function tuningFolder(): string | undefined {
  try {
    return join(cacheFolder(), "tuning");
  } catch {
    return undefined;
  }
}

/** What was found before; nothing of a file that is damaged, as it can be found again. */
async function readChoices(path: string | undefined): Promise<[string, string][]> {
  if (path === undefined) return [];
  try {
    const choices: unknown = JSON.parse(await Deno.readTextFile(path));
    if (typeof choices !== "object" || choices === null) return [];
    return Object.entries(choices).filter(([, variant]) => typeof variant === "string");
  } catch {
    return [];
  }
}

/** A cache that cannot be written costs the next run some seconds, and this one nothing. */
async function writeChoices(path: string | undefined, choices: ReadonlyMap<string, string>): Promise<void> {
  if (path === undefined) return;
  const own = `${path}.${Deno.pid}`; // Another run may write at the same time.
  try {
    await Deno.mkdir(dirname(path), { recursive: true });
    await Deno.writeTextFile(own, `${JSON.stringify(Object.fromEntries(choices), null, 2)}\n`);
    await Deno.rename(own, path);
  } catch (error) {
    note(`Cannot keep what was measured in "${path}": ${(error as Error).message}`);
  }
}

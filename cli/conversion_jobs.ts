import { type Checkpoint, fileExtension, type PatchSizes } from "@bgpt/core";
import { listFiles, readFile } from "@bgpt/core/files";
import { type ConversionFile, leavesRoom, parseConversion } from "@bgpt/tasks";
import { basename, dirname, join } from "@std/path";

/** A file that is to be converted. */
export interface ConversionJob {
  readonly path: string;
  readonly file: ConversionFile;
  /** Where the output goes. */
  readonly outPath: string;
}

/** A file that cannot be converted. */
export interface LeftOutFile {
  readonly path: string;
  readonly reason: string;
}

/** Files to convert, and those that cannot be. */
export interface ConversionJobs {
  readonly jobs: readonly ConversionJob[];
  readonly leftOut: readonly LeftOutFile[];
}

/**
 * Reads the files that the paths name, to be converted into NAME.`extension` in the folder `out`, by default beside each.
 * Where the checkpoint says which pairs it was trained on, others are not converted.
 * @throws {Error} when a path is missing, the model was not trained to make such files, or an output would overwrite a file or another output
 */
export async function conversionJobs(
  paths: readonly string[],
  extension: string,
  out: string | undefined,
  { model, run }: Pick<Checkpoint, "model" | "run">,
): Promise<ConversionJobs> {
  const learnt = run?.sampleKind?.["pairs"];
  const sourceExtension = learnt === undefined ? undefined : sourceOf(learnt, extension);
  const jobs: ConversionJob[] = [];
  const leftOut: LeftOutFile[] = [];
  const sources = new Map<string, string>();
  for (const { path, byteLength } of await listFiles(paths)) {
    const name = basename(path);
    const from = fileExtension(name);
    const reason = reasonAgainst({ name, from, byteLength }, extension, model, sourceExtension);
    if (reason !== undefined) {
      leftOut.push({ path, reason });
      continue;
    }
    const outPath = join(out ?? dirname(path), `${name.slice(0, -from.length)}${extension}`);
    await checkVacant(outPath, path, sources);
    try {
      jobs.push({ path, file: { extension: from, bytes: await readFile(path) }, outPath });
    } catch (error) {
      leftOut.push({ path, reason: (error as Error).message });
    }
  }
  return { jobs, leftOut };
}

/** The extension of what a model that was trained on these pairs converts into files of another. */
function sourceOf(pairs: string, extension: string): string {
  const { from, to, bothWays } = parseConversion(pairs);
  if (extension === to) return from;
  if (extension === from && bothWays) return to;
  throw new Error(
    `Cannot convert to .${extension}: the model was trained on ${pairs}. Choose another --to, or another model`,
  );
}

function reasonAgainst(
  { name, from, byteLength }: { readonly name: string; readonly from: string; readonly byteLength: number },
  to: string,
  sizes: PatchSizes,
  sourceExtension: string | undefined,
): string | undefined {
  if (from === name || from === "") return "its name has no extension, which says what it is converted from";
  if (from === to) return `it is .${to} already`;
  if (sourceExtension !== undefined && from !== sourceExtension) {
    return `the model makes .${to} of .${sourceExtension} only`;
  }
  if (leavesRoom(byteLength, sizes)) return undefined;
  const { patchSize, patchLength } = sizes;
  const mostBytes = Math.max(0, patchLength - 3) * patchSize;
  return `its ${byteLength} bytes leave no room for an output: this model converts at most ${mostBytes}`;
}

async function checkVacant(outPath: string, path: string, sources: Map<string, string>): Promise<void> {
  const other = sources.get(outPath);
  if (other !== undefined) {
    throw new Error(`Cannot convert "${path}" and "${other}" in one go: both would become "${outPath}"`);
  }
  sources.set(outPath, path);
  const found = await Deno.stat(outPath).catch(() => undefined);
  if (found === undefined) return;
  throw new Error(
    `Cannot convert "${path}": "${outPath}" is there already. Name another folder with --out DIR`,
  );
}

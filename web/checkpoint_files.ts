/**
 * Checkpoints out of the files that a user opens.
 * @module
 */
import { type Checkpoint, decodeCheckpoint, importTorchCheckpoint, readTorchCheckpoint } from "@bgpt/core";
import { readFile } from "./dom.ts";

/** A file and its path in what was opened. */
export interface OpenedFile {
  readonly path: string;
  readonly file: File;
}

/** What inference needs of a checkpoint, and what is told of it. */
export interface OpenedCheckpoint {
  /** The folder or the file. */
  readonly name: string;
  /** Without optimizer, which would take twice the memory of the weights. */
  readonly checkpoint: Checkpoint;
  /** How far it was trained: names and values. */
  readonly progress: readonly (readonly [name: string, value: string])[];
}

const weightsName = "model.safetensors";

/**
 * Reads the checkpoint among files: a folder of one, the newest of a run's folder, or a published `.pth`.
 * @throws {Error} when there is none, or it is damaged
 */
export async function openCheckpoint(files: readonly OpenedFile[]): Promise<OpenedCheckpoint> {
  const folders = files.filter(({ path }) => baseName(path) === weightsName).map(({ path }) =>
    folderOf(path)
  );
  if (folders.length > 0) return await openFolder(newestOf(folders), files);
  const published = files.find(({ path }) => path.endsWith(".pth"));
  if (published !== undefined) return await openPublished(published.file);
  const what = files.length === 1 ? `"${files[0]!.path}"` : `these ${files.length} files`;
  throw new Error(
    `Cannot open ${what}: a checkpoint is a folder with config.json and ${weightsName}, or a published .pth file. ` +
      "Open one of these",
  );
}

async function openFolder(folder: string, files: readonly OpenedFile[]): Promise<OpenedCheckpoint> {
  const own = new Map(
    files.filter(({ path }) => folderOf(path) === folder).map(({ path, file }) => [baseName(path), file]),
  );
  const read = async (name: string) => {
    const file = own.get(name);
    return file && await readFile(file);
  };
  const source = folder || weightsName;
  const checkpoint = await decodeCheckpoint(read, source, "weights");
  return { name: source, checkpoint, progress: runProgress(checkpoint) };
}

async function openPublished(file: File): Promise<OpenedCheckpoint> {
  const torch = readTorchCheckpoint(await readFile(file));
  const checkpoint = importTorchCheckpoint({ ...torch, optimizer: undefined }, `"${file.name}"`);
  const figures: readonly (readonly [string, number | undefined])[] = [
    ["epoch", torch.epoch],
    ["best loss, nats", torch.minEvalLoss],
    ["best accuracy", torch.maxEvalAccuracy],
  ];
  return {
    name: file.name,
    checkpoint,
    progress: figures.flatMap(([name, value]) => value === undefined ? [] : [[name, String(value)] as const]),
  };
}

function runProgress({ run }: Checkpoint): OpenedCheckpoint["progress"] {
  if (run === undefined) return [];
  const { step, position, best } = run;
  return [
    ["step", String(step)],
    ["epoch", String(position.epoch)],
    ...(best ? [["best loss", `${best.lossNats.toFixed(4)} nats at step ${best.step}`] as const] : []),
    ...(best?.accuracy === undefined ? [] : [["best accuracy", String(best.accuracy)] as const]),
  ];
}

/** The folder nearest to what was opened; of a run's checkpoints the newest step, whose name is the last. */
function newestOf(folders: readonly string[]): string {
  const depth = (folder: string) => folder.split("/").length;
  return folders.toSorted((a, b) => depth(a) - depth(b) || (a < b ? 1 : -1))[0]!;
}

function folderOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

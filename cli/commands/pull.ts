import { type FileContent, writeFolderAtomically } from "@bgpt/core/files";
import { join } from "@std/path";
import { cacheFolder } from "../cache_folder.ts";
import { defineCommand } from "../command.ts";
import { jsonOption } from "../options.ts";
import { type Download, download } from "../pull/download.ts";
import { hubAccess, pullSource } from "../pull/hub.ts";
import { print, printJson } from "../terminal.ts";
import { formatBytes } from "../units.ts";
import { checkVacant } from "../vacant_folder.ts";

/** `bgpt pull`: a checkpoint from a model hub. */
export default defineCommand({
  description:
    "Fetches a checkpoint folder (config.json and model.safetensors), or a single file such as a published .pth, from " +
    "Hugging Face's hub or another that HF_ENDPOINT names; with HF_TOKEN also what needs a login. A transfer that breaks " +
    "off goes on where it was, hashes are checked, and a copy stays in the user's cache.",
  positionals: {
    source: {
      placeholder: "SOURCE",
      plain: true,
      help: "hf:OWNER/NAME, hf:OWNER/NAME/FILE, or the https:// address of a file",
    },
  },
  options: {
    out: {
      kind: "path",
      placeholder: "DIR",
      help: "the folder to write (default: NAME for a checkpoint, this folder for a file)",
    },
    revision: { kind: "string", help: "branch, tag or commit on the hub (default: main)" },
    json: jsonOption,
  },
  examples: [
    { what: "a checkpoint that bgpt export made", line: "pull hf:someone/songs --out models/songs" },
    { what: "published weights, for bgpt import", line: "pull hf:sander-wood/bgpt/weights-image.pth" },
  ],
  run: async ({ source: given, out, revision, json }) => {
    const access = hubAccess();
    const source = pullSource(given, revision, access.endpoint);
    const folder = out ?? (source.kind === "checkpoint" ? source.name : ".");
    const path = source.kind === "checkpoint" ? folder : join(folder, source.name);
    if (source.kind === "checkpoint") checkVacant(folder, "pull");
    else checkAbsent(path);

    const downloads = new Map<string, Download>();
    const cache = join(cacheFolder(), "pull");
    for (const [name, url] of source.files) downloads.set(name, await download(url, cache, access));

    if (source.kind === "checkpoint") {
      const contents = [...downloads].map(([name, { path }]) => [name, chunksOf(path)] as const);
      await writeFolderAtomically(folder, Object.fromEntries<FileContent>(contents));
    } else await copyAtomically(downloads.get(source.name)!.path, path);

    const files = [...downloads].map(([name, { byteLength, hash, fromCache }]) => ({
      name,
      byteLength,
      ...(hash && { hash }),
      fromCache,
    }));
    if (json) return printJson({ out: path, files });
    for (const { name, byteLength, hash, fromCache } of files) {
      const origin = fromCache ? "from the cache" : "fetched";
      print(`${name}: ${formatBytes(byteLength)} ${origin}, ${hash ? "hash checked" : "no hash was told"}`);
    }
    print(`Pulled to ${path}`);
    if (path.endsWith(".pth")) print(`To use it: bgpt import ${path} --out DIR`);
  },
});

function checkAbsent(path: string): void {
  try {
    Deno.lstatSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw error;
  }
  throw new Error(`Cannot pull to "${path}": it is there already. Move it, or name another folder by --out`);
}

function* chunksOf(path: string): Generator<Uint8Array> {
  using file = Deno.openSync(path);
  const buffer = new Uint8Array(1 << 20);
  for (let count; (count = file.readSync(buffer)) !== null;) yield buffer.subarray(0, count);
}

/** A kill leaves the whole file or none of that name. */
async function copyAtomically(from: string, to: string): Promise<void> {
  await Deno.mkdir(join(to, ".."), { recursive: true });
  const temporary = `${to}.tmp-${Deno.pid}`;
  try {
    await Deno.copyFile(from, temporary);
    await Deno.rename(temporary, to);
  } catch (error) {
    await Deno.remove(temporary).catch(() => {}); // the first error is the one to tell
    throw error;
  }
}

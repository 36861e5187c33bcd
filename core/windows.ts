/**
 * Files beyond the patch length, by a window that slides over their patches: every byte is scored, with at least half a
 * window in front of it.
 * @module
 */
import { extensionPatch, fileExtension, filePatches, patchCountOf } from "./patches.ts";
import { type FileSource, type PatchSizes, readUnchanged, type SampleSource } from "./sample.ts";

/** A window over the patches of a file: it begins with the extension patch, whatever it shows of the rest. */
export interface FileWindow {
  /** Index of the file in its source. */
  readonly file: number;
  /** Patch of the file in whose place the extension patch stands; 0 in the first window, which is the file's head. */
  readonly firstPatch: number;
  /** Its patches, the extension included. */
  readonly patchCount: number;
  /** Patches at its start that are not scored: the extension, and those that the window before it scores. */
  readonly givenPatches: number;
}

/** Files of any size as samples, a sample for each window. */
export interface WindowedSamples extends SampleSource {
  /** What a sample shows of which file; those of a file follow each other. */
  window(index: number): FileWindow;
}

/**
 * Each file as windows of `patchLength` patches that move on by half of it. A patch is scored once: in the first window
 * that has half a window in front of it, or in the first window of all. A file that fits is one whole window, as in
 * `fileSamples`.
 * @param sizes those of the model; the samples cannot be read with others
 */
export function windowedSamples(source: FileSource, { patchSize, patchLength }: PatchSizes): WindowedSamples {
  const windows = source.files.flatMap(({ byteLength }, file) =>
    windowsOf(patchCountOf(byteLength, patchSize), patchLength).map((window) => ({ file, ...window }))
  );
  // Windows of a file are read one after another: it is read from the disk once.
  let latest: { readonly file: number; readonly bytes: Promise<Uint8Array> } | undefined;
  const bytesOf = (file: number) => {
    if (latest?.file !== file) latest = { file, bytes: readUnchanged(source, file) };
    return latest.bytes;
  };
  return {
    count: windows.length,
    name: (index) => source.files[windows[index]!.file]!.path,
    patchCount: (index) => windows[index]!.patchCount,
    window: (index) => windows[index]!,
    async read(index) {
      const { file, firstPatch, patchCount, givenPatches } = windows[index]!;
      const extension = fileExtension(source.files[file]!.path);
      const tokens = filePatches(await bytesOf(file), extension, {
        patchSize,
        patchLength: patchCount,
        cut: firstPatch === 0 ? { part: "head" } : { part: "body", startPatch: firstPatch },
      });
      tokens.set(extensionPatch(extension, patchSize));
      return { tokens, givenPatches };
    },
  };
}

/** Patches by which a window of so many patches moves on. */
export function windowStride(patchLength: number): number {
  return Math.floor(patchLength / 2);
}

/** The windows over so many patches of a file. */
function windowsOf(filePatchCount: number, patchLength: number): Omit<FileWindow, "file">[] {
  const stride = windowStride(patchLength);
  const windowCount = 1 + Math.max(0, Math.ceil((filePatchCount - patchLength) / stride));
  return Array.from({ length: windowCount }, (_, i) => ({
    firstPatch: i * stride,
    patchCount: Math.min(patchLength, filePatchCount - i * stride),
    givenPatches: i === 0 ? 1 : patchLength - stride,
  }));
}

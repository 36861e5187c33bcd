/**
 * The files that a user chooses or drops, with those of folders.
 * @module
 */
import type { OpenedFile } from "./checkpoint_files.ts";

/** The files of a field; of a folder's with their paths in it. */
export function chosenFiles(input: HTMLInputElement): OpenedFile[] {
  return [...input.files ?? []].map((file) => ({ path: file.webkitRelativePath || file.name, file }));
}

/** The files that were dropped, and those of folders that were. */
export async function droppedFiles(transfer: DataTransfer): Promise<OpenedFile[]> {
  // What was dropped is gone once the event is over, so nothing may be awaited before all of it is asked for.
  const roots = [...transfer.items].map((item) => item.webkitGetAsEntry() ?? item.getAsFile());
  const found = await Promise.all(roots.map(async (root) => {
    if (root === null) return [];
    return root instanceof File ? [{ path: root.name, file: root }] : await filesBelow(root);
  }));
  return found.flat();
}

async function filesBelow(entry: FileSystemEntry): Promise<OpenedFile[]> {
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) =>
      (entry as FileSystemFileEntry).file(resolve, reject)
    );
    return [{ path: entry.fullPath.slice(1), file }];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const found: OpenedFile[] = [];
  // It gives a part at a time, and nothing when all were given.
  for (;;) {
    const part = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject)
    );
    if (part.length === 0) return found;
    for (const inner of part) found.push(...await filesBelow(inner));
  }
}

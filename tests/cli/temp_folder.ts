/** Runs a test in an empty folder that is removed afterwards. */
export async function inTempFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** What stands in a folder, sorted. */
export function namesIn(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
}

/** Writes files of these lengths, `f0.bin` and so on, whose bytes follow a simple rule, and returns the folder. */
export async function writeFiles(folder: string, byteLengths: readonly number[]): Promise<string> {
  await Deno.mkdir(folder, { recursive: true });
  for (const [file, byteLength] of byteLengths.entries()) {
    const bytes = Uint8Array.from({ length: byteLength }, (_, i) => 7 * i + file);
    await Deno.writeFile(`${folder}/f${file}.bin`, bytes);
  }
  return folder;
}

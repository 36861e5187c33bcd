/**
 * How many bytes `xz -9` makes of files that are written one after the other; undefined where xz is not installed.
 * @throws {Error} when xz fails
 */
export async function xzByteLength(files: Iterable<Uint8Array>): Promise<number | undefined> {
  let process: Deno.ChildProcess;
  try {
    process = new Deno.Command("xz", {
      args: ["-9", "--stdout"],
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  const output = process.output();
  const writer = process.stdin.getWriter();
  for (const bytes of files) await writer.write(bytes);
  await writer.close();
  const { success, stdout, code } = await output;
  if (!success) throw new Error(`Cannot compress with xz: it ended with code ${code}`);
  return stdout.length;
}

/** Access to `../shared`, which stands beside the repository where the project is built, but not in a clone. */

const sharedFolder = `${import.meta.dirname}/../../shared`;

/** The path of a file or folder in `../shared`; undefined where it is missing. */
export function sharedPath(...parts: string[]): string | undefined {
  const path = [sharedFolder, ...parts].join("/");
  try {
    Deno.statSync(path);
    return path;
  } catch {
    return undefined;
  }
}

/** A test that reads `../shared/fixtures`; ignored, and saying so, where they are missing. */
export function sharedTest(name: string, test: (fixtures: string) => void | Promise<void>): void {
  const fixtures = sharedPath("fixtures");
  Deno.test({
    name: `${name} (needs ../shared/fixtures)`,
    ignore: fixtures === undefined,
    fn: () => test(fixtures ?? ""),
  });
}

/**
 * A test that reads real data, some members of a pack of `../shared/data`, which are unpacked into a folder of its own;
 * ignored, and saying so, where the pack is missing.
 */
export function packTest(
  name: string,
  pack: string,
  members: readonly string[],
  test: (folder: string) => void | Promise<void>,
): void {
  const path = sharedPath("data", `${pack}.tar.xz`);
  Deno.test({
    name: `${name} (needs ../shared/data)`,
    ignore: path === undefined,
    fn: async () => {
      const folder = await Deno.makeTempDir();
      try {
        const args = ["xJf", path ?? "", "-C", folder, "--wildcards", ...members];
        const { success, stderr } = await new Deno.Command("tar", { args }).output();
        if (!success) throw new Error(`Cannot unpack ${pack}: ${new TextDecoder().decode(stderr)}`);
        await test(folder);
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  });
}

/** The decompressed bytes of a gzip file. */
export async function readGzip(path: string): Promise<Uint8Array> {
  using file = await Deno.open(path);
  return await new Response(file.readable.pipeThrough(new DecompressionStream("gzip"))).bytes();
}

/** The value of a JSON file. */
export async function readJson(path: string): Promise<unknown> {
  return JSON.parse(await Deno.readTextFile(path));
}

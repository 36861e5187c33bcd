/** File systems of a test's own, for faults that only a file system can cause. */

/** Runs a program to its end. */
function succeeds(command: string, ...args: string[]): boolean {
  try {
    return new Deno.Command(command, { args, stdout: "null", stderr: "null" }).outputSync().success;
  } catch {
    return false;
  }
}

/** Mounts, or changes a mount: the arguments of `mount`. */
export function mount(...args: string[]): void {
  if (!succeeds("mount", ...args)) throw new Error(`mount ${args.join(" ")} failed`);
}

/** Takes a mount away at once, whoever still uses it. */
export function unmount(path: string): boolean {
  return succeeds("umount", "-l", path);
}

function canMount(): boolean {
  if (Deno.build.os !== "linux") return false;
  const folder = Deno.makeTempDirSync();
  const mounted = succeeds("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder) && unmount(folder);
  Deno.removeSync(folder);
  return mounted;
}

const mounts = canMount();

/**
 * A test with an empty folder to mount something on; ignored, and saying so, where it may not mount: it takes root, and a
 * container with the right to.
 */
export function mountTest(name: string, test: (mountPoint: string) => Promise<void>): void {
  Deno.test({
    name: mounts ? name : `${name} (needs the right to mount)`,
    ignore: !mounts,
    fn: async () => {
      const mountPoint = await Deno.makeTempDir();
      try {
        await test(mountPoint);
      } finally {
        unmount(mountPoint);
        await Deno.remove(mountPoint, { recursive: true });
      }
    },
  });
}

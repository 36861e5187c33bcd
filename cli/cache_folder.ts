import { isAbsolute, join } from "@std/path";

/**
 * The folder for what can be fetched or made again, as the system has it; it need not exist.
 *
 * @throws {Error} when the environment names none
 */
export function cacheFolder(): string {
  const below = (name: string, ...parts: readonly string[]) => {
    const folder = Deno.env.get(name);
    return folder !== undefined && isAbsolute(folder) ? join(folder, ...parts, "bgpt") : undefined;
  };
  const folder = below("XDG_CACHE_HOME") ?? {
    darwin: below("HOME", "Library", "Caches"),
    windows: below("LOCALAPPDATA"),
  }[Deno.build.os as string] ?? below("HOME", ".cache");
  if (folder !== undefined) return folder;
  throw new Error("Cannot find a folder for the cache: HOME is not set. Set XDG_CACHE_HOME");
}

/**
 * Chromium, for the tests that need a page: where it is, and its installation where that is possible.
 * @module
 */
import { apt, canInstall, osRelease } from "./debian.ts";

/** Where Debian's package, and most others, put it. */
const paths = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** Chromium's path; undefined where there is none. */
export function findChromium(): string | undefined {
  return paths.find((path) => {
    try {
      return Deno.statSync(path).isFile;
    } catch {
      return false;
    }
  });
}

/**
 * Installs Debian's Chromium (25 s on two cores, 2026-11) and says so; other systems have none in their packages, or one
 * that does not start in a container.
 */
export async function installChromium(): Promise<void> {
  if (!canInstall() || osRelease().get("ID") !== "debian") return;
  console.log("No Chromium: installing it (apt-get install chromium)");
  await apt(["update"]);
  await apt(["install", "--no-install-recommends", "chromium"]);
}

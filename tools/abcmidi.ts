/**
 * The program abc2midi, for the tests that make MIDI of tunes: its installation where that is possible.
 * @module
 */
import { apt, canInstall } from "./debian.ts";

/** Whether the program is there. */
export async function hasAbc2Midi(): Promise<boolean> {
  try {
    return (await new Deno.Command("abc2midi", { args: ["-ver"], stdin: "null" }).output()).success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Installs Debian's package of it and says so. */
export async function installAbc2Midi(): Promise<void> {
  if (!canInstall()) return;
  console.log("No abc2midi: installing it (apt-get install abcmidi)");
  await apt(["update"]);
  await apt(["install", "--no-install-recommends", "abcmidi"]);
}

/** Tests that need the program abc2midi. */
import { isInstalled } from "../../tools/programs.ts";

const isMissing = !await isInstalled("abcmidi");

/** A test that makes MIDI of tunes; ignored, and saying so, where abc2midi is missing. */
export function abcTest(name: string, test: () => void | Promise<void>): void {
  Deno.test({ name: `${name} (needs abc2midi)`, ignore: isMissing, fn: test });
}

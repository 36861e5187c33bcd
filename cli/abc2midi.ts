import { abcForMidi, parseMidiNotes } from "@bgpt/tasks";
import { join } from "@std/path";

/** How long one tune may take; the longest of 3,866 folk tunes took 10 ms (two cores, 2026-11-23). */
const timeLimitMilliseconds = 10_000;

/**
 * The program abc2midi, a process for each tune.
 *
 * @example
 * ```ts ignore
 * using converter = await Abc2Midi.find();
 * const midi = await converter.convert("L:1/8\nM:4/4\nK:C\nCDEF GABc|");
 * ```
 */
export class Abc2Midi implements Disposable {
  /** The program reads and writes files only. */
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** @throws {Error} with the package's name, when the program is not there */
  static async find(): Promise<Abc2Midi> {
    try {
      await new Deno.Command("abc2midi", { args: ["-ver"], stdin: "null" }).output();
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      throw new Error(
        "Cannot make MIDI of ABC: the program abc2midi is missing. Install the package abcmidi " +
          "(Debian and Ubuntu: apt-get install abcmidi)",
        { cause: error },
      );
    }
    return new Abc2Midi(await Deno.makeTempDir({ prefix: "bgpt-abc-" }));
  }

  /**
   * A tune as MIDI, with the published sounds ({@linkcode abcForMidi}).
   * @param abc one tune
   * @throws {Error} when abc2midi names an error in the tune, fails or takes too long, or what it writes has no notes
   */
  async convert(abc: string): Promise<Uint8Array> {
    const source = join(this.#folder, "tune.abc");
    const target = join(this.#folder, "tune.mid");
    await Deno.writeFile(source, new TextEncoder().encode(abcForMidi(abc)));
    await Deno.remove(target).catch(() => {}); // of the tune before
    const limit = AbortSignal.timeout(timeLimitMilliseconds);
    const { signal, stdout, stderr } = await new Deno.Command("abc2midi", {
      args: [source, "1", "-o", target],
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      signal: limit,
    }).output();
    if (limit.aborted) throw new Error(`abc2midi took more than ${timeLimitMilliseconds / 1000} s`);
    if (signal !== null) throw new Error(`abc2midi was ended by ${signal}`);
    const said = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
    // It writes MIDI all the same, and its exit code is 0.
    const named = /^Error.*$/m.exec(said)?.[0];
    if (named !== undefined) throw new Error(`abc2midi says: ${named}`);
    const midi = await Deno.readFile(target).catch(() => {
      throw new Error(`abc2midi wrote no MIDI; it says: ${said.trim().split("\n").at(-1) ?? "nothing"}`);
    });
    if (parseMidiNotes(midi).notes.length === 0) throw new Error("its MIDI has no notes");
    return midi;
  }

  /** Removes its files. */
  [Symbol.dispose](): void {
    Deno.removeSync(this.#folder, { recursive: true });
  }
}

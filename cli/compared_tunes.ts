import { type ComparedMusic, parseMidiNotes } from "@bgpt/tasks";
import { Abc2Midi } from "./abc2midi.ts";
import { note } from "./terminal.ts";

/** How the music of a pair is come by. */
type Route = "direct" | "round trip" | "none";

/**
 * The music of conversions as MIDI, to be compared: of MIDI outputs as it is; of ABC outputs that were MIDI after a round
 * trip through abc2midi, beside the MIDI that they were made of.
 */
export class ComparedTunes implements Disposable {
  readonly #route: Route;
  readonly #converter: Abc2Midi | undefined;

  private constructor(route: Route, converter?: Abc2Midi) {
    this.#route = route;
    this.#converter = converter;
  }

  /** Where abc2midi is needed and not installed, it says so, and nothing is compared. */
  static async open(from: string, to: string): Promise<ComparedTunes> {
    if (isMidi(to)) return new ComparedTunes("direct");
    if (!(isMidi(from) && to === "abc")) return new ComparedTunes("none");
    try {
      return new ComparedTunes("round trip", await Abc2Midi.find());
    } catch (error) {
      note(`Notes are left out: ${(error as Error).message}`);
      return new ComparedTunes("none");
    }
  }

  /** Undefined where there is no music to compare, or the expected file is no MIDI. */
  async compare(
    source: Uint8Array,
    expectedTarget: Uint8Array,
    actualTarget: Uint8Array,
  ): Promise<ComparedMusic | undefined> {
    if (this.#route === "none") return undefined;
    const expected = this.#route === "direct" ? expectedTarget : source;
    try {
      parseMidiNotes(expected);
    } catch {
      return undefined;
    }
    if (this.#converter === undefined) return { expected, actual: actualTarget };
    try {
      return { expected, actual: await this.#converter.convert(new TextDecoder().decode(actualTarget)) };
    } catch {
      return { expected }; // abc2midi does not take it.
    }
  }

  [Symbol.dispose](): void {
    this.#converter?.[Symbol.dispose]();
  }
}

function isMidi(extension: string): boolean {
  return extension === "mid" || extension === "midi";
}

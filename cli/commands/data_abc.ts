import { readFile } from "@bgpt/core/files";
import { type AbcTune, publishedAbc, splitTuneBook } from "@bgpt/tasks";
import { Abc2Midi } from "../abc2midi.ts";
import { defineCommand } from "../command.ts";
import { findInputFiles, notePassedOver } from "../input_files.ts";
import { labelledStem } from "../labels.ts";
import { prepareFiles, type PrepareInput, prepareOptions } from "../prepare.ts";

/** `bgpt data abc`: pairs of ABC and MIDI. */
export default defineCommand({
  description:
    "Turns tunes in ABC into pairs of ABC and MIDI, ID.abc and ID.mid, for conversion. Tune books are split at their X: " +
    "lines. The ABC is written as the published one is: without number, title, comments and words, the fields that the music " +
    "depends on (Q: P: V: U: m: L: M: K:), then the music, lines ended by CR LF. The MIDI is made by abc2midi (of the package " +
    "abcmidi), with the published sounds. A tune that abc2midi finds an error in is named and counted, and the rest goes on. " +
    "A text that is not UTF-8 is read as Latin-1.",
  positionals: { inputs: { placeholder: "PATH", many: true, help: "ABC files, or folders of them" } },
  options: prepareOptions,
  examples: [{ what: "all tunes below a folder", line: "data abc tunes --out corpora/abc" }],
  run: async (values) => {
    const { files, passedOver } = findInputFiles(values.inputs, [".abc"]);
    using converter = await Abc2Midi.find();
    const inputs = async function* (): AsyncGenerator<PrepareInput> {
      for (const { path } of files) yield* tunePairs(path, converter);
    };
    await prepareFiles(inputs(), "Converting tunes", values);
    notePassedOver(passedOver, [".abc"]);
  },
});

/** An input for each tune of a file, or one that fails where the file cannot be read. */
async function* tunePairs(path: string, converter: Abc2Midi): AsyncGenerator<PrepareInput> {
  let tunes: readonly AbcTune[];
  try {
    tunes = splitTuneBook(decodeAbc(await readFile(path)));
  } catch (error) {
    yield { name: path, make: () => Promise.reject(error) };
    return;
  }
  const file = labelledStem(path, "none");
  for (const tune of tunes) {
    const isAlone = tunes.length === 1;
    const reference = tune.reference ? `:X:${tune.reference}` : "";
    yield {
      name: isAlone ? path : `${path}${reference || `:${tune.number}`}`,
      make: async () => {
        const abc = publishedAbc(tune);
        const midi = await converter.convert(abc);
        const stem = isAlone ? file : `${file}-${String(tune.number).padStart(4, "0")}`;
        return [
          { stem, extension: "abc", bytes: new TextEncoder().encode(abc) },
          { stem, extension: "mid", bytes: midi },
        ];
      },
    };
  }
}

function decodeAbc(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder("latin1").decode(bytes);
  }
}

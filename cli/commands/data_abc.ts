import { readFile } from "@bgpt/core/files";
import { type AbcTune, publishedAbc, splitTuneBook, tuneExcerpts } from "@bgpt/tasks";
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
  options: {
    bars: {
      kind: "integer",
      minimum: 1,
      maximum: 1000,
      help:
        "cut tunes into excerpts of N bars, repeats left out: shorter pairs, and more of them, to learn from first",
    },
    ...prepareOptions,
  },
  examples: [
    { what: "all tunes below a folder", line: "data abc tunes --out corpora/abc" },
    {
      what: "what a model learns sooner: two bars at a time",
      line: "data abc tunes --out corpora/bars --bars 2",
    },
  ],
  run: async (values) => {
    const { files, passedOver } = findInputFiles(values.inputs, [".abc"]);
    using converter = await Abc2Midi.find();
    const inputs = async function* (): AsyncGenerator<PrepareInput> {
      for (const { path } of files) yield* tunePairs(path, converter, values.bars);
    };
    await prepareFiles(inputs(), "Converting tunes", values);
    notePassedOver(passedOver, [".abc"]);
  },
});

/** An input for each tune of a file, or each excerpt of one; one that fails where the file cannot be read. */
async function* tunePairs(
  path: string,
  converter: Abc2Midi,
  bars: number | undefined,
): AsyncGenerator<PrepareInput> {
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
    const name = isAlone ? path : `${path}${reference || `:${tune.number}`}`;
    const stem = isAlone ? file : `${file}-${String(tune.number).padStart(4, "0")}`;
    let texts: readonly string[];
    try {
      const abc = publishedAbc(tune);
      texts = bars === undefined ? [abc] : tuneExcerpts(abc, bars);
    } catch (error) {
      yield { name, make: () => Promise.reject(error) };
      continue;
    }
    for (const [index, abc] of texts.entries()) {
      const number = index + 1;
      const part = bars === undefined
        ? { name, stem }
        : { name: `${name}, excerpt ${number}`, stem: `${stem}-${String(number).padStart(3, "0")}` };
      yield {
        name: part.name,
        whole: stem,
        make: async () => [
          { stem: part.stem, extension: "abc", bytes: new TextEncoder().encode(abc) },
          { stem: part.stem, extension: "mid", bytes: await converter.convert(abc) },
        ],
      };
    }
  }
}

function decodeAbc(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder("latin1").decode(bytes);
  }
}

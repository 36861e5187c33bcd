import { speechFile } from "@bgpt/tasks/media";
import { defineCommand } from "../command.ts";
import { convertFiles } from "../convert_files.ts";
import { labelOption } from "../labels.ts";
import { prepareOptions } from "../prepare.ts";

/** `bgpt data speech`: WAV files as the model reads them. */
export default defineCommand({
  description:
    "Turns WAV files into speech as the model reads it: 8 kHz, one channel, unsigned 8 bits, the first second (silence " +
    "is put behind shorter ones), 8,044 bytes each. Reads integers of 8 to 32 bits, floats, A-law and µ-law, of any rate " +
    "and any number of channels, which are averaged; the rate is changed without folding (100 dB down above 4 kHz). A " +
    "file that cannot be read is named and counted, and the rest goes on.",
  positionals: { inputs: { placeholder: "PATH", many: true, help: "WAV files, or folders of them" } },
  options: { ...prepareOptions, label: labelOption },
  examples: [
    { what: "a folder for each word", line: "data speech recordings --out corpora/words" },
    {
      what: "spoken digits whose names begin with the digit, 0_george_1.wav",
      line: "data speech fsdd --out corpora/digits --label name",
    },
  ],
  run: (values) =>
    convertFiles({
      inputs: values.inputs,
      inputExtensions: [".wav"],
      label: values.label,
      title: "Preparing speech",
      extension: "wav",
      convert: speechFile,
    }, values),
});

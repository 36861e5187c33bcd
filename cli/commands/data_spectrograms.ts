import { spectrogramFile } from "@bgpt/tasks/media";
import { defineCommand } from "../command.ts";
import { convertFiles } from "../convert_files.ts";
import { labelOption } from "../labels.ts";
import { prepareOptions } from "../prepare.ts";

/** `bgpt data spectrograms`: speech shown as images. */
export default defineCommand({
  description:
    "Shows the first second of WAV files as images: grey BMP of 32 × 32 pixels and 24 bits, 3,126 bytes each, made of the " +
    "same 8 kHz as bgpt data speech, before it is rounded to 8 bits. Time runs from left to right, 31.25 ms a column " +
    "(Hann windows of 32 ms around the columns' middles). Frequency runs from the bottom up, 32 bands between 0 and 4,000 " +
    "Hz that are equally wide in mel. Black is a power of -80 dB or less, white 0 dB, a sine of full scale; between them " +
    "grey is linear in dB, the same for every file.",
  positionals: { inputs: { placeholder: "PATH", many: true, help: "WAV files, or folders of them" } },
  options: { ...prepareOptions, label: labelOption },
  examples: [
    {
      what: "spoken digits whose names begin with the digit, 0_george_1.wav",
      line: "data spectrograms fsdd --out corpora/spectrograms --label name",
    },
  ],
  run: (values) =>
    convertFiles({
      inputs: values.inputs,
      inputExtensions: [".wav"],
      label: values.label,
      title: "Preparing spectrograms",
      extension: "bmp",
      convert: spectrogramFile,
    }, values),
});

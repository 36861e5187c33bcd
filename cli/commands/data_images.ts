import { imageFile } from "@bgpt/tasks/media";
import { defineCommand } from "../command.ts";
import { convertFiles } from "../convert_files.ts";
import { labelOption } from "../labels.ts";
import { prepareOptions } from "../prepare.ts";

/** `bgpt data images`: pictures as the model reads them. */
export default defineCommand({
  description:
    "Turns PNG, JPEG and BMP pictures into images as the model reads them: BMP of 32 × 32 pixels and 24 bits, 3,126 bytes " +
    "each. The whole picture is taken and stretched to a square where it is none; each pixel is the mean of the area that " +
    "it covers, or interpolated where a picture grows. Grey becomes colour, and what is transparent is laid over white. " +
    "A file that cannot be read (CMYK is not) is named and counted, and the rest goes on.",
  positionals: { inputs: { placeholder: "PATH", many: true, help: "pictures, or folders of them" } },
  options: { ...prepareOptions, label: labelOption },
  examples: [
    { what: "a folder for each class, its name the label", line: "data images cifar --out corpora/cifar" },
    {
      what: "pictures without labels, in one tar",
      line: "data images photos --out corpora/photos --tar --eval-share 0",
    },
  ],
  run: (values) =>
    convertFiles({
      inputs: values.inputs,
      inputExtensions: [".png", ".jpg", ".jpeg", ".bmp"],
      label: values.label,
      title: "Preparing images",
      extension: "bmp",
      convert: imageFile,
    }, values),
});

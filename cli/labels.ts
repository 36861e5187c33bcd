import { basename, dirname, extname, resolve } from "@std/path";
import type { InputFile } from "./input_files.ts";

/** The option of commands whose inputs are files that may have labels. */
export const labelOption = {
  kind: "choice",
  choices: ["folder", "name", "none"],
  help:
    "where labels come from: the folder that holds a file, its name up to the first _, or nowhere; when not given " +
    "folder if all inputs lie in folders of their own below a folder that was named, else none",
} as const;

/** Where labels come from. */
export type LabelSource = typeof labelOption["choices"][number];

/**
 * The name that a file's output has before the dot: `label_id`, where the id is the file's own name, or the id alone. A
 * label has no `_`, and a name without label none either, as it would be read as one: they become `-`, as spaces do.
 *
 * @throws {Error} when the label is to come from a name that has no `_`
 */
export function labelledStem(path: string, source: LabelSource): string {
  const id = basename(path, extname(path));
  const labelEnd = id.indexOf("_");
  switch (source) {
    case "folder":
      return `${withoutUnderscores(basename(dirname(resolve(path))))}_${id}`;
    case "name":
      if (labelEnd > 0) return withoutUnderscores(id.slice(0, labelEnd)) + id.slice(labelEnd);
      throw new Error(
        `its name has no label: "LABEL_ID${extname(path)}" is required. Rename it, or see --label`,
      );
    case "none":
      return withoutUnderscores(id);
  }
}

/** The source of labels that the option asks for, or the one that fits the files. */
export function labelSource(files: readonly InputFile[], given: LabelSource | undefined): LabelSource {
  return given ?? (files.length > 0 && files.every(({ inSubfolder }) => inSubfolder) ? "folder" : "none");
}

function withoutUnderscores(text: string): string {
  return text.replace(/[_\s]/g, "-");
}

import {
  fileSamples,
  type FileSource,
  holdOut,
  type PatchSizes,
  type SampleSource,
  selectFiles,
  wholePatchCount,
} from "@bgpt/core";
import type { SampleMaker } from "./data.ts";
import { UsageError } from "./errors.ts";
import { note } from "./terminal.ts";
import { formatCount } from "./units.ts";

/** Every file is a sample, of which the first patches are given and not scored; files that have no more are left out. */
export function givenFiles(givenPatches: number, sizes: PatchSizes): SampleMaker {
  const all = (files: FileSource): SampleSource => {
    const indexes = files.files.map((_, index) => index);
    const longer = indexes.filter((index) =>
      wholePatchCount(files.files[index]!.byteLength, sizes) > givenPatches
    );
    if (longer.length === 0) {
      throw new UsageError(
        `Cannot use --given ${givenPatches}: none of ${
          formatCount(indexes.length, "file")
        } has more patches, ` +
          `of which ${sizes.patchLength} are read at most. Give fewer`,
      );
    }
    if (longer.length < indexes.length) {
      note(
        `${formatCount(indexes.length - longer.length, "file")} left out: no more than the ${givenPatches} ` +
          "patches that are given",
      );
    }
    return fileSamples(selectFiles(files, longer), givenPatches);
  };
  return { all, split: (files, share, seed) => holdOut(all(files), share, seed) };
}

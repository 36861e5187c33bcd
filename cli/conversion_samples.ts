import type { FileSource, PatchSizes } from "@bgpt/core";
import {
  type Conversion,
  findPairs,
  type LeftOutPairs,
  type PairLoss,
  pairSamples,
  parseConversion,
  splitPairSamples,
} from "@bgpt/tasks";
import type { SampleMaker } from "./data.ts";
import { UsageError } from "./errors.ts";
import { note } from "./terminal.ts";
import { formatCount } from "./units.ts";

/** The option that names the two formats of a conversion. */
export const pairsOption = {
  kind: "string",
  placeholder: "A->B",
  help:
    `learn to convert: from which extension to which, "abc->mid", or both ways, "abc<->mid"; a pair is NAME.abc and ` +
    "NAME.mid",
} as const;

/** Files named when some cannot be used. */
const toldNames = 3;

/** Reads `--pairs`. */
export function chosenConversion(pairs: string): Conversion {
  try {
    return parseConversion(pairs);
  } catch (error) {
    if (error instanceof SyntaxError) throw new UsageError(error.message, { cause: error });
    throw error;
  }
}

/** Pairs of files as samples; says how many files have no partner, or leave no room for theirs. */
export function conversionSamples(conversion: Conversion, loss: PairLoss, sizes: PatchSizes): SampleMaker {
  const options = { ...sizes, bothWays: conversion.bothWays, loss };
  return {
    all(files) {
      const { samples, tooLong } = pairSamples(files, tellingPairs(files, conversion), options);
      tellTooLong({ tooLong });
      return samples;
    },
    split(files, evalShare, seed) {
      const pairs = tellingPairs(files, conversion);
      const { tooLong, ...split } = splitPairSamples(files, pairs, { ...options, evalShare, seed });
      tellTooLong({ tooLong });
      return split;
    },
  };
}

/** The pairs among files; the files of either format that have no partner are told. */
export function tellingPairs(
  { files }: FileSource,
  conversion: Conversion,
): ReturnType<typeof findPairs>["pairs"] {
  const { pairs, alone } = findPairs(files, conversion);
  if (alone.length > 0) {
    note(`${formatCount(alone.length, "file")} left out without a partner: ${someOf(alone)}`);
  }
  return pairs;
}

/** Says which sources leave no room for their target. */
export function tellTooLong({ tooLong }: LeftOutPairs): void {
  if (tooLong.length === 0) return;
  note(
    `${formatCount(tooLong.length, "source")} left out, too long to leave room for a target: ${
      someOf(tooLong)
    }`,
  );
}

function someOf(paths: readonly string[]): string {
  const rest = paths.length - toldNames;
  return paths.slice(0, toldNames).join(", ") + (rest > 0 ? ` and ${rest} more` : "");
}

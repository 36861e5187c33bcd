/** The options that several benchmarks have. */
import { engineOptions } from "../cli/engine.ts";
import { UsageError } from "../cli/errors.ts";
import { jsonOption } from "../cli/options.ts";
import { sizeOption } from "./sizes.ts";

/** What computes, at which size, and how it is printed; a benchmark times the GPU unless told otherwise. */
export const benchOptions = {
  size: sizeOption,
  ...engineOptions,
  device: { ...engineOptions.device, default: "gpu" },
  json: jsonOption,
} as const;

/**
 * The whole numbers of a list such as `--batch 1,4,16`, or others where it is not given.
 * @throws {UsageError} for anything but whole numbers of at least 1
 */
export function countsOf(list: readonly string[], option: string, otherwise: readonly number[]): number[] {
  const wrong = list.find((text) => !/^[1-9]\d*$/.test(text));
  if (wrong !== undefined) {
    throw new UsageError(
      `Cannot use --${option} ${wrong}: it must be whole numbers of at least 1, such as 1,4`,
    );
  }
  return list.length === 0 ? [...otherwise] : list.map(Number);
}

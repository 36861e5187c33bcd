/**
 * Which part of the parameters a rank updates where each keeps the moments of its own part alone (Rajbhandari et al., ZeRO,
 * 2020, stage 1).
 * @module
 */
import { type Tensor, windowAlignment } from "@bgpt/kernels";

/** A rank's part of the update. */
export interface OptimizerPart {
  /** First parameter of each rank's part, and the number of parameters. */
  readonly bounds: readonly number[];
  /** Window on the parameters of this rank's part. */
  readonly parameters: Tensor;
  /** Window on their gradients. */
  readonly gradients: Tensor;
  /** Norm of these gradients, and a scale that nobody uses. */
  readonly ownNorm: Tensor; // [2]
  /** Norms of all parts. */
  readonly norms: Tensor; // [ranks]
}

/** Where an interval of the parameters belongs. */
export interface OwnedInterval {
  /** The rank that updates it. */
  readonly owner: number;
  /** First parameter. */
  readonly start: number;
  /** Behind the last one. */
  readonly end: number;
}

/**
 * Cuts the flat parameters into even parts.
 * @param length of the flat storage, a multiple of 64
 * @param size how many ranks there are
 * @returns the first parameter of each part, and the number of parameters
 */
export function partBounds(length: number, size: number): number[] {
  const blocks = length / windowAlignment;
  return Array.from({ length: size + 1 }, (_, rank) => Math.floor(rank * blocks / size) * windowAlignment);
}

/** Cuts an interval of the parameters where their owners change. */
export function cutAtOwners(bounds: readonly number[], start: number, end: number): OwnedInterval[] {
  return bounds.slice(1).flatMap((behind, owner) => {
    const own = { owner, start: Math.max(start, bounds[owner]!), end: Math.min(end, behind) };
    return own.start < own.end ? [own] : [];
  });
}

/** A window on a tensor that lies flat as the parameters do. */
export function intervalOf(flat: Tensor, { start, end }: OwnedInterval): Tensor {
  const length = end - start;
  return {
    ...flat,
    name: `${flat.name} ${start} to ${end}`,
    shape: [length],
    length,
    offset: flat.offset + start,
  };
}

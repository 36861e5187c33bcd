/** The most that a device does: what everything else is held against. */
import type { Cost, Engine } from "@bgpt/kernels";
import { measureRates } from "../cli/doctor/rates.ts";

/** Measured, not looked up. */
export interface Ceilings {
  /** Of the largest matrix product that takes less than half a second, at most 4096³. */
  readonly matmulFlopsPerSecond: number;
  /** Of the largest copy, bytes read and written; absent where there is no device memory. */
  readonly copyBytesPerSecond?: number;
}

/** Measures both, in about three seconds. A GPU has its full clock afterwards. */
export async function measureCeilings(engine: Engine): Promise<Ceilings> {
  const { matmul, copy } = await measureRates(engine);
  return {
    matmulFlopsPerSecond: matmul.flopsPerSecond,
    ...(copy && { copyBytesPerSecond: copy.bytesPerSecond }),
  };
}

/** The two floors of a time. */
export interface Floors {
  /** All arithmetic at the rate of matrix products. */
  readonly arithmeticSeconds: number;
  /** Every operand touched once at the rate of copies. */
  readonly trafficSeconds?: number;
}

/** The floors of a call or a step with this cost. */
export function floorsOf({ flops, bytes }: Cost, ceilings: Ceilings): Floors {
  const { matmulFlopsPerSecond, copyBytesPerSecond } = ceilings;
  return {
    arithmeticSeconds: flops / matmulFlopsPerSecond,
    ...(copyBytesPerSecond !== undefined && { trafficSeconds: bytes / copyBytesPerSecond }),
  };
}

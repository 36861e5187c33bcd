/**
 * Hashes of the bytes before a byte. Byte t of a patch has behind it the bytes of its own patch, and then those of the
 * patch before:
 *
 *   previousₖ(t) = bytes[t − k] for k ≤ t, else before[S + t − k] for k ≤ S + t, else 256
 *
 * and the hash of its last n bytes, the oldest first, multiplies by 2³² divided by the golden ratio (Knuth, The Art of
 * Computer Programming, volume 3, section 6.4), mod 2³²:
 *
 *   h = 0;  h = (h ^ (previousₖ + 1)) · 0x9E3779B1, h = h ^ (h >> 15)   k = n … 1;  hashₙ = h mod rows
 *
 * @module
 */
import { wgsl } from "../kernel.ts";

/** How many bytes an n-gram has. */
export const ngramOrders = [2, 3, 4] as const;

/** Stands for a byte that is not known: with less than four bytes a patch, those before the patch before. */
const unknown = 256;

const factor = 0x9e3779b1;

/** @throws {RangeError} when the kernels have no hashes of these sizes */
export function assertNgramSizes({ S, rows }: { readonly S: number; readonly rows: number }): void {
  if (!Number.isInteger(S) || S < 2 || S > 16) {
    throw new RangeError(`Cannot plan n-grams with ${S} bytes a patch: it must be 2 to 16`);
  }
  if (!Number.isInteger(Math.log2(rows)) || rows < 1 || rows > 65536) {
    throw new RangeError(
      `Cannot plan n-grams with ${rows} rows a table: it must be a power of two up to 65536`,
    );
  }
}

/**
 * The hash of the last n bytes before byte t.
 * @param bytes the patch [S]
 * @param before the patch before it [S]
 */
export function ngramHash(
  n: number,
  rows: number,
  bytes: Uint32Array,
  before: Uint32Array,
  t: number,
): number {
  const S = before.length;
  let hash = 0;
  for (let k = n; k >= 1; k--) {
    const previous = k <= t ? bytes[t - k]! : k <= S + t ? before[S + t - k]! : unknown;
    hash = Math.imul(hash ^ (previous + 1), factor);
    hash ^= hash >>> 15;
  }
  return hash & (rows - 1);
}

/**
 * The same in WGSL, for kernels with operands `tokens` and `patches`: `ngramHashes(first, before, t)` has the hash of each
 * order, where `first` is the element of `tokens` at which the patch begins, and `before` that of `patches` at which the
 * one before begins.
 */
export function ngramHashesWgsl(S: number, rows: number): string {
  const hashes = ngramOrders.map((n) => {
    let hash = "0u";
    for (let k = n; k >= 1; k--) hash = `mixed(${hash}, previous${k})`;
    return `${hash} & ${rows - 1}u`;
  });
  const previous = [1, 2, 3, 4].map((k) => `let previous${k} = previousByte(first, before, t, ${k}u);`);
  return wgsl`
fn previousByte(first: u32, before: u32, t: u32, k: u32) -> u32 {
  if (k <= t) { return tokens[first + t - k]; }
  if (k <= ${S}u + t) { return patches[before + ${S}u + t - k]; }
  return ${unknown}u;
}
fn mixed(hash: u32, byte: u32) -> u32 {
  let product = (hash ^ (byte + 1u)) * ${factor}u;
  return product ^ (product >> 15u);
}
fn ngramHashes(first: u32, before: u32, t: u32) -> vec3<u32> {
  ${previous.join("\n  ")}
  return vec3<u32>(${hashes.join(", ")});
}`;
}

/**
 * WGSL for x[i] + the rows of a table with these hashes, one term after the other.
 * @param hashes a variable with what `ngramHashes` gave
 * @param count values of a row, of which it takes number `value`
 */
export function ngramSumWgsl(hashes: string, rows: number, count: number): string {
  const terms = ngramOrders.map((_, o) => `table[(${hashes}[${o}] + ${o * rows}u) * ${count}u + value]`);
  return ["x[i]", ...terms].join(" + ");
}

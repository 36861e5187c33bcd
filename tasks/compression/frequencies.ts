/**
 * Logits to whole frequencies, which coder and decoder have to agree on to the last unit, on every machine.
 *
 *   wᵥ = exp(logitᵥ − max logit),  fᵥ = 1 + ⌊wᵥ · (T − 256) / Σ w⌋,  what is missing from T goes to the most probable byte
 *
 * `Math.exp` may differ between JavaScript engines, and between versions of one. Here exp is made of +, − and × of f64
 * alone, whose results IEEE 754 and ECMAScript fix to the last bit, and so does ÷:
 *
 *   e^x = 2^n · e^t with n the whole number nearest to x / ln 2, |t| ≤ ln 2 / 2, and Taylor's polynomial of degree 7
 *
 * whose relative error is below t⁸/8! · e^|t| < 8e-9, an eighth of a unit of the frequencies.
 * @module
 */

/** Bytes that have a frequency; the end id, behind them in the logits, has none, as lengths are known. */
export const byteValues = 256;
/** T: what the frequencies of all bytes sum to. So large that 256 units, one for each byte, are next to nothing. */
export const frequencyTotal = 2 ** 24;

/** Below 2^−30 a weight is less than a unit. */
const leastExponent = -30;
/** 2^−n, by halving, which is exact. */
const powers = new Float64Array(1 - leastExponent).fill(1);
for (let n = 1; n < powers.length; n++) powers[n] = powers[n - 1]! / 2;

const perLn2 = 1.4426950408889634;
const ln2 = 0.6931471805599453;

/** e^x for x ≤ 0; 0 where it is less than 2^−30. */
export function expOfNegative(x: number): number {
  const n = Math.floor(x * perLn2 + 0.5);
  if (!(n >= leastExponent)) return 0;
  const t = x - n * ln2;
  const polynomial = 1 +
    t * (1 + t * (1 / 2 + t * (1 / 6 + t * (1 / 24 + t * (1 / 120 + t * (1 / 720 + t / 5040))))));
  return powers[-n]! * polynomial;
}

/**
 * The cumulative frequencies of the 256 bytes: byte v has those from `cumulative[v]` to `cumulative[v + 1]`, at least one.
 * @param logits of the bytes, then of the end id
 * @param cumulative where they go: [257], the first 0, the last {@linkcode frequencyTotal}
 * @throws {RangeError} when a logit is no finite number
 */
export function cumulativeFrequencies(logits: Float32Array, cumulative: Uint32Array): void {
  let largest = -Infinity;
  let likeliest = 0;
  for (let v = 0; v < byteValues; v++) {
    const logit = logits[v]!;
    if (!Number.isFinite(logit)) {
      throw new RangeError(
        `Cannot code with a logit of ${logit}: the model must predict finite numbers. Use another checkpoint`,
      );
    }
    if (logit > largest) {
      largest = logit;
      likeliest = v;
    }
  }
  let sum = 0;
  for (let v = 0; v < byteValues; v++) sum += weights[v] = expOfNegative(logits[v]! - largest);
  const scale = (frequencyTotal - byteValues) / sum;
  let total = 0;
  for (let v = 0; v < byteValues; v++) {
    cumulative[v] = total;
    total += 1 + Math.floor(weights[v]! * scale);
  }
  cumulative[byteValues] = total;
  // Each ⌊…⌋ left less than a unit.
  const rest = frequencyTotal - total;
  for (let v = likeliest + 1; v <= byteValues; v++) cumulative[v]! += rest;
}

const weights = new Float64Array(byteValues);

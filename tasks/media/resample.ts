/**
 * Change of the sampling rate by band-limited interpolation: the samples are joined by sinc functions under a Kaiser
 * window, whose band ends below half of the lower rate, so that nothing above it folds back (J. O. Smith, "Digital Audio
 * Resampling", ccrma.stanford.edu/~jos/resample; window and length after Kaiser, 1974).
 * @module
 */

/** What is left of a tone above half of the lower rate, in dB. */
const attenuationDb = 100;
/** Where the pass band ends, as a share of half of the lower rate; the stop band begins at 1. */
const passBand = 0.95;

/** The filters of one ratio of rates: `taps[phase]` are the weights around an instant between two samples. */
interface Filters {
  /** Input samples that the output advances by in `phaseCount` samples. */
  readonly advance: number;
  readonly taps: readonly Float64Array[]; // [phases][2·reach]
  /** Samples on each side of an instant. */
  readonly reach: number;
}

/** The filters of the ratio used last: the files of a corpus share it mostly. */
let last: { readonly ratio: number; readonly filters: Filters } | undefined;

/**
 * Samples at another rate. What lies beyond the ends of the input is 0; the first samples coincide.
 *
 * @param fromHz rate of the input, a positive integer
 * @param toHz rate of the output, a positive integer
 * @param count how many samples of the output are wanted
 * @throws {RangeError} when a rate is no positive integer
 */
export function resample(
  samples: Float64Array,
  fromHz: number,
  toHz: number,
  count: number = Math.ceil(samples.length * toHz / fromHz),
): Float64Array {
  for (const rate of [fromHz, toHz]) {
    if (!Number.isSafeInteger(rate) || rate < 1) {
      throw new RangeError(`Cannot resample: a rate is ${rate} Hz, a positive integer is required`);
    }
  }
  const output = new Float64Array(count);
  if (fromHz === toHz) {
    output.set(samples.subarray(0, count));
    return output;
  }
  if (last?.ratio !== fromHz / toHz) last = { ratio: fromHz / toHz, filters: filtersOf(fromHz, toHz) };
  const { advance, taps, reach } = last.filters;
  const phaseCount = taps.length;
  for (let n = 0; n < count; n++) {
    const phase = n * advance % phaseCount;
    const first = (n * advance - phase) / phaseCount - reach + 1;
    const weights = taps[phase]!;
    const end = Math.min(weights.length, samples.length - first);
    let sum = 0;
    for (let k = Math.max(0, -first); k < end; k++) sum += samples[first + k]! * weights[k]!;
    output[n] = sum;
  }
  return output;
}

function filtersOf(fromHz: number, toHz: number): Filters {
  const divisor = greatestCommonDivisor(fromHz, toHz);
  const phaseCount = toHz / divisor;
  // In cycles a sample of the input.
  const halfBand = 0.5 * Math.min(1, toHz / fromHz);
  const cutoff = halfBand * (1 + passBand) / 2;
  const transition = halfBand * (1 - passBand);
  const reach = Math.ceil((attenuationDb - 7.95) / (2 * 14.36 * transition));
  const beta = 0.1102 * (attenuationDb - 8.7);
  const taps = Array.from({ length: phaseCount }, (_, phase) => {
    const weights = Float64Array.from({ length: 2 * reach }, (_, k) => {
      const distance = k - reach + 1 - phase / phaseCount; // -reach < distance ≤ reach
      return sinc(2 * cutoff * distance) * besselI0(beta * Math.sqrt(1 - (distance / reach) ** 2));
    });
    // A constant stays exactly what it is.
    const sum = weights.reduce((total, weight) => total + weight, 0);
    return weights.map((weight) => weight / sum);
  });
  return { advance: fromHz / divisor, taps, reach };
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

/** The modified Bessel function of the first kind and order 0, by its power series. */
function besselI0(x: number): number {
  let sum = 1;
  for (let term = 1, k = 1; term > sum * 1e-17; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

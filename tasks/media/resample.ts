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

/** Most weights of a ratio of rates, 128 MiB: any rate up to 65 kHz to 8 kHz, and higher ones that share a divisor. */
const mostTaps = 2 ** 24;

/** The filters of one ratio of rates: `tapsOf(phase)` are the weights around an instant between two samples, [2·reach]. */
interface Filters {
  /** Input samples that the output advances by in `phaseCount` samples. */
  readonly advance: number;
  readonly phaseCount: number;
  /** Samples on each side of an instant. */
  readonly reach: number;
  readonly tapsOf: (phase: number) => Float64Array;
}

/** The filters of the ratio used last: the files of a corpus share it mostly. */
let last: { readonly ratio: number; readonly filters: Filters } | undefined;

/**
 * Samples at another rate. What lies beyond the ends of the input is 0; the first samples coincide.
 *
 * @param fromHz rate of the input, a positive integer
 * @param toHz rate of the output, a positive integer
 * @param count how many samples of the output are wanted
 * @throws {RangeError} when a rate is no positive integer, or the ratio of both takes too many weights
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
  const { advance, phaseCount, reach, tapsOf } = last.filters;
  for (let n = 0; n < count; n++) {
    const phase = n * advance % phaseCount;
    const first = (n * advance - phase) / phaseCount - reach + 1;
    if (first >= samples.length) break;
    const weights = tapsOf(phase);
    const end = Math.min(weights.length, samples.length - first);
    let sum = 0;
    for (let k = Math.max(0, -first); k < end; k++) sum += samples[first + k]! * weights[k]!;
    output[n] = sum;
  }
  return output;
}

/**
 * How many samples of the input on each side of an instant {@linkcode resample} computes a sample of the output from,
 * where the rates differ.
 *
 * @param fromHz rate of the input
 * @param toHz rate of the output
 */
export function filterReach(fromHz: number, toHz: number): number {
  const transition = halfBandOf(fromHz, toHz) * (1 - passBand);
  return Math.ceil((attenuationDb - 7.95) / (2 * 14.36 * transition));
}

/** Half of the lower rate, in cycles a sample of the input. */
function halfBandOf(fromHz: number, toHz: number): number {
  return 0.5 * Math.min(1, toHz / fromHz);
}

function filtersOf(fromHz: number, toHz: number): Filters {
  const divisor = greatestCommonDivisor(fromHz, toHz);
  const phaseCount = toHz / divisor;
  const cutoff = halfBandOf(fromHz, toHz) * (1 + passBand) / 2;
  const reach = filterReach(fromHz, toHz);
  if (phaseCount * 2 * reach > mostTaps) {
    throw new RangeError(
      `Cannot resample from ${fromHz} to ${toHz} Hz: that takes ${
        phaseCount * 2 * reach
      } weights, at most ${mostTaps} ` +
        "are computed. Resample it to a usual rate first, such as 48000 Hz",
    );
  }
  const beta = 0.1102 * (attenuationDb - 8.7);
  const taps: Float64Array[] = []; // [phases][2·reach], each made when it is needed: a short sound needs few
  const tapsOf = (phase: number) => taps[phase] ??= makeTaps(phase);
  const makeTaps = (phase: number) => {
    const weights = new Float64Array(2 * reach);
    let sum = 0;
    for (let k = 0; k < weights.length; k++) {
      const distance = k - reach + 1 - phase / phaseCount; // -reach < distance ≤ reach
      sum += weights[k] = sinc(2 * cutoff * distance) *
        besselI0(beta * Math.sqrt(1 - (distance / reach) ** 2));
    }
    // A constant stays exactly what it is.
    for (let k = 0; k < weights.length; k++) weights[k]! /= sum;
    return weights;
  };
  return { advance: fromHz / divisor, phaseCount, reach, tapsOf };
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

/** 1 / k!² for k from 0 to 30: terms of the series beyond are below 1e-17 of it for x up to 11. */
const seriesCoefficients = Float64Array.from({ length: 31 }, (_, k) => {
  let factorial = 1;
  for (let i = 2; i <= k; i++) factorial *= i;
  return 1 / factorial ** 2;
});

/** The modified Bessel function of the first kind and order 0, by its power series in x² / 4. */
function besselI0(x: number): number {
  const power = x * x / 4;
  let sum = 0;
  for (let k = seriesCoefficients.length - 1; k >= 0; k--) sum = sum * power + seriesCoefficients[k]!;
  return sum;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

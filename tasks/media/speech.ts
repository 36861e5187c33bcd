import { filterReach, resample } from "./resample.ts";
import { decodeWav, encodeWav8, type Sound } from "./wav.ts";

/** The rate of the paper's speech. */
export const speechHz = 8000;
/** One second of it. */
export const speechSamples = 8000;

/**
 * The first second of a WAV file at 8 kHz: the mean of its channels, its rate changed by band-limited interpolation (see
 * {@linkcode resample}), 0 behind the end of a shorter one.
 *
 * @param wav a WAV file that {@linkcode decodeWav} reads
 * @returns [8000], from -1 up to 1, and a little beyond where a loud recording was resampled
 * @throws {SyntaxError} when the file cannot be read
 */
export function speechSecond(wav: Uint8Array): Float64Array {
  // What lies behind is neither kept nor looked at: a recording may take hours.
  const { sampleRateHz, channels } = decodeWav(wav, (hz) => hz + filterReach(hz, speechHz));
  return resample(meanOf(channels), sampleRateHz, speechHz, speechSamples);
}

/**
 * A WAV file as the model reads speech: {@linkcode speechSecond}, each sample rounded to the nearest of 256 levels, 128
 * for silence, or clipped; 8,044 bytes.
 *
 * @param wav a WAV file that {@linkcode decodeWav} reads
 * @returns [8044]
 * @throws {SyntaxError} when the file cannot be read
 */
export function speechFile(wav: Uint8Array): Uint8Array {
  // A clamped array rounds and clips; halves go to the even level.
  return encodeWav8(
    new Uint8Array(Uint8ClampedArray.from(speechSecond(wav), (value) => 128 + 128 * value)),
    speechHz,
  );
}

function meanOf(channels: Sound["channels"]): Float64Array {
  const [first, ...others] = channels;
  if (others.length === 0) return first!;
  return first!.map((value, i) =>
    others.reduce((sum, channel) => sum + channel[i]!, value) / channels.length
  );
}

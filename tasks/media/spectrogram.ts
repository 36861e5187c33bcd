/**
 * Speech as a picture: a spectrogram of one second, 32 × 32 pixels of grey.
 *
 * - **time**, from left to right: column c shows the 256 samples (32 ms) around the instant (c + ½) / 32 s, under a Hann
 *   window; the hop is 250 samples, and what lies beyond the second is 0;
 * - **frequency**, from the bottom up: 32 bands between 0 and 4,000 Hz, equally wide in mel, mel(f) = 2595 log10(1 + f/700)
 *   (O'Shaughnessy, 1987); band r is a triangle that rises from the centre of band r - 1 and falls to that of r + 1, and
 *   shows the mean power of its frequencies, weighted by the triangle;
 * - **grey**, power in dB: 0 dB is a sine of full scale on one of the 129 frequencies of the transform; black is -80 dB or less, white 0 dB, and
 *   each level of the 255 between them 80/255 = 0.314 dB. The scale is the same for every file, so that loudness shows.
 * @module
 */
import { encodeBmp } from "./bmp.ts";
import { imageSide } from "./image.ts";
import { speechHz, speechSamples, speechSecond } from "./speech.ts";

const windowSamples = 256;
const binCount = windowSamples / 2 + 1;
const hopSamples = speechSamples / imageSide;
/** The power that is black, in dB; 0 dB is white. */
const blackDb = -80;

/** The Hann window, scaled so that a sine of full scale on a frequency of the transform has the power 1 there. */
const hann = Float64Array.from(
  { length: windowSamples },
  (_, n) => 2 * (1 - Math.cos(2 * Math.PI * n / windowSamples)) / windowSamples,
);
const cosines = Float64Array.from(
  { length: windowSamples },
  (_, n) => Math.cos(2 * Math.PI * n / windowSamples),
);

/** The weights of each band, which sum to 1: [32][129]. */
const bands: readonly Float64Array[] = melBands();

/**
 * The spectrogram of a WAV file as the model reads images: a BMP of 32 × 32 pixels and 24 bits, 3,126 bytes, of what
 * {@linkcode speechSecond} gives.
 *
 * @param wav a WAV file that `decodeWav` reads
 * @returns [3126]
 * @throws {SyntaxError} when the file cannot be read
 */
export function spectrogramFile(wav: Uint8Array): Uint8Array {
  const second = speechSecond(wav);
  const pixels = new Uint8Array(3 * imageSide * imageSide);
  for (let column = 0; column < imageSide; column++) {
    const power = powerAround(second, (column + 0.5) * hopSamples); // [129]
    for (const [band, weights] of bands.entries()) {
      const mean = weights.reduce((sum, weight, bin) => sum + weight * power[bin]!, 0);
      const level = Math.round(255 * (1 - 10 * Math.log10(mean) / blackDb));
      const at = 3 * ((imageSide - 1 - band) * imageSide + column);
      pixels.fill(Math.min(255, Math.max(0, level)), at, at + 3);
    }
  }
  return encodeBmp({ width: imageSide, height: imageSide, pixels });
}

/** The power of each frequency around a sample: [129]. The transform is short enough to be summed as it is defined. */
function powerAround(samples: Float64Array, centre: number): Float64Array {
  const start = centre - windowSamples / 2;
  const windowed = hann.map((weight, n) => weight * (samples[start + n] ?? 0));
  return Float64Array.from({ length: binCount }, (_, bin) => {
    let real = 0;
    let imaginary = 0;
    for (let n = 0; n < windowSamples; n++) {
      real += windowed[n]! * cosines[bin * n % windowSamples]!;
      imaginary += windowed[n]! * cosines[(bin * n + windowSamples / 4) % windowSamples]!;
    }
    return real ** 2 + imaginary ** 2;
  });
}

function melBands(): Float64Array[] {
  const mel = (hz: number) => 2595 * Math.log10(1 + hz / 700);
  const step = mel(speechHz / 2) / (imageSide + 1);
  return Array.from({ length: imageSide }, (_, band) => {
    const weights = Float64Array.from({ length: binCount }, (_, bin) => {
      const distance = mel(bin * speechHz / windowSamples) / step - (band + 1); // in bands
      return Math.max(0, 1 - Math.abs(distance));
    });
    const sum = weights.reduce((total, weight) => total + weight, 0);
    return weights.map((weight) => weight / sum);
  });
}

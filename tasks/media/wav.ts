/**
 * WAV files: RIFF with the chunks `fmt ` and `data` (Microsoft and IBM, "Multimedia Programming Interface", 1991;
 * `WAVE_FORMAT_EXTENSIBLE`, Microsoft, 2001). A-law and µ-law after ITU-T G.711.
 * @module
 */

/** Sound, channel by channel. */
export interface Sound {
  /** Samples a second. */
  readonly sampleRateHz: number;
  /** Samples from -1 up to 1, of equal length. */
  readonly channels: readonly Float64Array[];
}

/** Bytes before the samples of a WAV that holds nothing else. */
export const wavHeaderBytes = 44;

/** What `fmt ` tells. */
interface SampleFormat {
  readonly coding: number;
  readonly channelCount: number;
  readonly sampleRateHz: number;
  /** Bytes of one sample of one channel. */
  readonly byteLength: number;
}

/** Codes of `wFormatTag`. */
const coding = { pcm: 1, float: 3, aLaw: 6, muLaw: 7, extensible: 0xfffe } as const;

/**
 * Reads a WAV file: integers of 8, 16, 24 or 32 bits, floats of 32 or 64 bits, A-law or µ-law, any rate, any number of
 * channels.
 *
 * @param frameLimit the most samples of a channel that are wanted at the file's rate: those behind are not looked at
 * @throws {SyntaxError} when it is no WAV, is cut short, holds no samples, or holds them in another coding
 */
export function decodeWav(
  bytes: Uint8Array,
  frameLimit: (sampleRateHz: number) => number = () => Infinity,
): Sound {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes.length < 12 || textAt(bytes, 0) !== "RIFF" || textAt(bytes, 8) !== "WAVE") {
    throw refusal(
      `its ${bytes.length} bytes do not begin with RIFF and WAVE. It is no WAV file, or a damaged one`,
    );
  }
  let format: SampleFormat | undefined;
  for (let start = 12; start + 8 <= bytes.length;) {
    const name = textAt(bytes, start);
    const byteLength = view.getUint32(start + 4, true);
    const present = bytes.length - start - 8;
    if (name === "fmt " || name === "data") {
      if (byteLength > present) {
        throw refusal(
          `its chunk "${name.trim()}" has ${byteLength} bytes by its header, but only ${present} are there. ` +
            `Copy or record it again`,
        );
      }
      const chunk = new DataView(view.buffer, view.byteOffset + start + 8, byteLength);
      if (name === "fmt ") format = readFormat(chunk);
      else {
        const { sampleRateHz } = checked(format);
        return { sampleRateHz, channels: readSamples(chunk, checked(format), frameLimit(sampleRateHz)) };
      }
    }
    start += 8 + byteLength + byteLength % 2;
  }
  throw refusal(`it has no chunk "${format === undefined ? "fmt" : "data"}"`);
}

/**
 * A WAV file of one channel of unsigned 8-bit samples: a header of exactly 44 bytes, then the samples, and a byte of 0
 * where their count is odd, as RIFF wants it.
 *
 * @param samples [samples], 128 is silence
 */
export function encodeWav8(samples: Uint8Array, sampleRateHz: number): Uint8Array {
  const padding = samples.length % 2;
  const bytes = new Uint8Array(wavHeaderBytes + samples.length + padding);
  const view = new DataView(bytes.buffer);
  const text = new TextEncoder();
  bytes.set(text.encode("RIFF"), 0);
  view.setUint32(4, bytes.length - 8, true);
  bytes.set(text.encode("WAVEfmt "), 8);
  view.setUint32(16, 16, true);
  view.setUint16(20, coding.pcm, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, sampleRateHz, true);
  view.setUint32(28, sampleRateHz, true); // bytes a second
  view.setUint16(32, 1, true); // bytes of a frame
  view.setUint16(34, 8, true);
  bytes.set(text.encode("data"), 36);
  view.setUint32(40, samples.length, true);
  bytes.set(samples, wavHeaderBytes);
  return bytes;
}

function readFormat(chunk: DataView): SampleFormat {
  if (chunk.byteLength < 16) {
    throw refusal(`its chunk "fmt" has ${chunk.byteLength} bytes, at least 16 are required`);
  }
  const tag = chunk.getUint16(0, true);
  const channelCount = chunk.getUint16(2, true);
  const sampleRateHz = chunk.getUint32(4, true);
  const bits = chunk.getUint16(14, true);
  // The extensible form has the coding as the first two bytes of a longer name.
  const coded = tag === coding.extensible && chunk.byteLength >= 26 ? chunk.getUint16(24, true) : tag;
  const known = {
    [coding.pcm]: [8, 16, 24, 32],
    [coding.float]: [32, 64],
    [coding.aLaw]: [8],
    [coding.muLaw]: [8],
  };
  if (!known[coded as keyof typeof known]?.includes(bits)) {
    throw refusal(
      `its samples are of ${bits} bits in coding ${coded}, known are PCM (1) of 8, 16, 24 or 32 bits, float (3) of 32 ` +
        `or 64, A-law (6) and µ-law (7). Convert it first`,
    );
  }
  if (channelCount === 0 || sampleRateHz === 0) {
    throw refusal(`it has ${channelCount} channels at ${sampleRateHz} Hz, at least 1 of each is required`);
  }
  return { coding: coded, channelCount, sampleRateHz, byteLength: bits / 8 };
}

function checked(format: SampleFormat | undefined): SampleFormat {
  if (format === undefined) throw refusal(`its chunk "data" stands before any chunk "fmt"`);
  return format;
}

function readSamples(data: DataView, format: SampleFormat, frameLimit: number): Float64Array[] {
  const { channelCount, byteLength } = format;
  const frameBytes = channelCount * byteLength;
  const frameCount = Math.floor(data.byteLength / frameBytes);
  if (frameCount === 0) throw refusal(`its chunk "data" has ${data.byteLength} bytes, not one sample`);
  const length = Math.min(frameCount, frameLimit);
  const read = readerOf(format);
  return Array.from(
    { length: channelCount },
    (_, channel) =>
      Float64Array.from({ length }, (_, frame) => {
        const value = read(data, frame * frameBytes + channel * byteLength);
        if (Number.isFinite(value)) return value;
        throw refusal(`its sample ${frame} is ${value}, a finite number is required`);
      }),
  );
}

/** Reads the sample that begins at a byte, as a number from -1 up to 1. */
function readerOf({ coding: coded, byteLength }: SampleFormat): (data: DataView, at: number) => number {
  switch (coded) {
    case coding.float:
      return byteLength === 4
        ? (data, at) => data.getFloat32(at, true)
        : (data, at) => data.getFloat64(at, true);
    case coding.aLaw:
      return (data, at) => aLawSample(data.getUint8(at)) / 0x8000;
    case coding.muLaw:
      return (data, at) => muLawSample(data.getUint8(at)) / 0x8000;
  }
  switch (byteLength) {
    case 1:
      return (data, at) => (data.getUint8(at) - 128) / 128;
    case 2:
      return (data, at) => data.getInt16(at, true) / 0x8000;
    case 3:
      return (data, at) => (data.getInt8(at + 2) * 0x1_0000 + data.getUint16(at, true)) / 0x80_0000;
    default:
      return (data, at) => data.getInt32(at, true) / 0x8000_0000;
  }
}

/** A sample of 16 bits of its A-law code: every other bit inverted; sign, exponent of 3 bits, mantissa of 4. */
function aLawSample(code: number): number {
  const inverted = code ^ 0x55;
  const exponent = (inverted >> 4) & 7;
  const mantissa = ((inverted & 15) << 4) + 8;
  const magnitude = exponent === 0 ? mantissa : (mantissa + 0x100) << (exponent - 1);
  return inverted & 0x80 ? magnitude : -magnitude;
}

/** A sample of 16 bits of its µ-law code: all bits inverted; sign, exponent of 3 bits, mantissa of 4, bias 132. */
function muLawSample(code: number): number {
  const inverted = ~code & 0xff;
  const magnitude = (((inverted & 15) << 3) + 0x84 << ((inverted >> 4) & 7)) - 0x84;
  return inverted & 0x80 ? 0 - magnitude : magnitude;
}

function textAt(bytes: Uint8Array, start: number): string {
  return String.fromCharCode(...bytes.subarray(start, start + 4));
}

function refusal(reason: string): SyntaxError {
  return new SyntaxError(`Cannot read WAV: ${reason}`);
}

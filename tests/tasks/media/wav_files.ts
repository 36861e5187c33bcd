/** A WAV file of plain PCM, written by hand: the chunks that are given stand before `data`. */
export function wavFile(
  samples: Uint8Array,
  format: {
    readonly coding?: number;
    readonly channelCount?: number;
    readonly sampleRateHz?: number;
    readonly bits?: number;
    readonly before?: Uint8Array;
  } = {},
): Uint8Array<ArrayBuffer> {
  const { coding = 1, channelCount = 1, sampleRateHz = 8000, bits = 8, before = new Uint8Array() } = format;
  const frameBytes = channelCount * bits / 8;
  const number = (value: number, byteLength: number) =>
    Array.from({ length: byteLength }, (_, i) => Math.floor(value / 256 ** i) % 256);
  const text = (value: string) => [...new TextEncoder().encode(value)];
  return Uint8Array.from([
    ...text("RIFF"),
    ...number(36 + before.length + samples.length, 4),
    ...text("WAVEfmt "),
    ...number(16, 4),
    ...number(coding, 2),
    ...number(channelCount, 2),
    ...number(sampleRateHz, 4),
    ...number(sampleRateHz * frameBytes, 4),
    ...number(frameBytes, 2),
    ...number(bits, 2),
    ...before,
    ...text("data"),
    ...number(samples.length, 4),
    ...samples,
  ]);
}

/** A WAV file of 16 bits with one tone at half of full scale, for a number of seconds. */
export function toneFile(frequencyHz: number, sampleRateHz: number, seconds = 1): Uint8Array<ArrayBuffer> {
  const samples = Int16Array.from(
    { length: Math.round(sampleRateHz * seconds) },
    (_, i) => Math.round(0x4000 * Math.sin(2 * Math.PI * frequencyHz * i / sampleRateHz)),
  );
  return wavFile(new Uint8Array(samples.buffer), { sampleRateHz, bits: 16 });
}

/** Bytes of the header chunk, its name and length included. */
export const midiHeaderBytes = 14;

/** Bytes of a chunk's name and length. */
export const chunkHeadBytes = 8;

/** One event of a track, without its time. */
export interface MidiEvent {
  /** Ticks since the event before. */
  readonly deltaTicks: number;
  /** The status byte, also where it is left out because the event before had the same. */
  readonly status: number;
  /** Type of a meta event (status 255), first data byte of a channel's event. */
  readonly first: number;
  /** Second data byte of a channel's event. */
  readonly second: number;
  /** The byte behind it. */
  readonly end: number;
}

/** Whether it is the meta event that ends a track. */
export function isEndOfTrack({ status, first }: MidiEvent): boolean {
  return status === 0xff && first === 0x2f;
}

/**
 * Reads one event of a track (Standard MIDI Files 1.0).
 * @param start its first byte, that of its time
 * @param end the byte behind the last that it may have
 * @param runningStatus status that holds where the event has none; 0 where none does
 * @throws {SyntaxError} with the reason, when none stands there
 */
export function readMidiEvent(
  bytes: Uint8Array,
  start: number,
  end: number,
  runningStatus: number,
): MidiEvent {
  let at = start;
  const byte = (): number => {
    if (at < end) return bytes[at++]!;
    throw new SyntaxError(`the event at byte ${start} has no end`);
  };
  const dataByte = (): number => {
    const value = byte();
    if (value < 0x80) return value;
    throw new SyntaxError(`byte ${at - 1} is ${value}, a data byte below 128 is required`);
  };
  /** A number of at most four bytes, seven bits in each. */
  const variableLength = (): number => {
    let value = 0;
    for (let count = 0; count < 4; count++) {
      const next = byte();
      value = value << 7 | next & 0x7f;
      if (next < 0x80) return value;
    }
    throw new SyntaxError(`the number that ends at byte ${at - 1} has more than four bytes`);
  };
  const deltaTicks = variableLength();
  let status = byte();
  if (status < 0x80) {
    if (runningStatus === 0) {
      throw new SyntaxError(`byte ${at - 1} is ${status}, a status from 128 on is required`);
    }
    status = runningStatus;
    at--;
  }
  if (status < 0xf0) {
    const first = dataByte();
    const hasSecond = status < 0xc0 || status >= 0xe0;
    return { deltaTicks, status, first, second: hasSecond ? dataByte() : 0, end: at };
  }
  if (status !== 0xff && status !== 0xf0 && status !== 0xf7) {
    throw new SyntaxError(`byte ${at - 1} is the status ${status}, which files do not have`);
  }
  const first = status === 0xff ? dataByte() : 0;
  const byteLength = variableLength();
  if (at + byteLength > end) {
    throw new SyntaxError(
      `the event at byte ${start} says that it has ${byteLength} bytes, ${end - at} are left`,
    );
  }
  return { deltaTicks, status, first, second: 0, end: at + byteLength };
}

/** The status that holds for an event after this one, if it has none. */
export function runningStatusAfter({ status }: MidiEvent): number {
  return status < 0xf0 ? status : 0;
}

/** Whether a chunk of this name stands at a byte. */
export function hasChunkName(bytes: Uint8Array, at: number, name: "MThd" | "MTrk"): boolean {
  return [...name].every((letter, i) => bytes[at + i] === letter.charCodeAt(0));
}

/** A big-endian number of 4 bytes. */
export function uint32At(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(at);
}

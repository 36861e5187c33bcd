import type { RandomStream } from "@bgpt/core";

/** Numbers that lengths, counts and offsets are seldom checked for. */
const numbers: readonly bigint[] = [
  0n,
  1n,
  -1n,
  2n ** 31n - 1n,
  2n ** 32n - 1n,
  2n ** 53n + 1n,
  2n ** 63n,
  255n,
  65535n,
];
const deepLevels = 5000;

/** One of some. */
export function pick<T>(random: RandomStream, items: readonly T[]): T {
  return items[random.below(items.length)]!;
}

/** Bytes from bytes; some kinds of damage take a part of another file. */
type Damage = (random: RandomStream, bytes: Uint8Array, other: Uint8Array) => Uint8Array;

const damages: readonly Damage[] = [
  function flip(random, bytes) {
    const changed = bytes.slice();
    for (let count = 1 + random.below(4); count > 0; count--) {
      changed[random.below(bytes.length)]! ^= 1 << random.below(8);
    }
    return changed;
  },
  function truncate(random, bytes) {
    return bytes.slice(0, random.below(bytes.length));
  },
  function repeat(random, bytes) {
    const [start, end] = range(random, bytes);
    const times = 1 + random.below(8);
    return joined(
      bytes.subarray(0, end),
      ...Array(times).fill(bytes.subarray(start, end)),
      bytes.subarray(end),
    );
  },
  function remove(random, bytes) {
    const [start, end] = range(random, bytes);
    return joined(bytes.subarray(0, start), bytes.subarray(end));
  },
  function splice(random, bytes, other) {
    return joined(bytes.subarray(0, random.below(bytes.length)), other.subarray(random.below(other.length)));
  },
  function overwrite(random, bytes, other) {
    const [start, end] = range(random, bytes);
    const from = random.below(other.length);
    return joined(bytes.subarray(0, start), other.subarray(from, from + end - start), bytes.subarray(end));
  },
  function noise(random, bytes) {
    const at = random.below(bytes.length);
    const noise = Uint8Array.from({ length: 1 + random.below(16) }, () => random.below(256));
    return joined(bytes.subarray(0, at), noise, bytes.subarray(at + random.below(noise.length + 1)));
  },
  replaceNumber,
  replaceNumber,
  enlargeNumber,
];

/** Damages bytes in one to three ways, the same for the same state of the random stream. */
export function mutate(random: RandomStream, bytes: Uint8Array, others: readonly Uint8Array[]): Uint8Array {
  let changed = bytes;
  for (let count = 1 + random.below(3); count > 0; count--) {
    if (changed.length > 0) changed = pick(random, damages)(random, changed, pick(random, others));
  }
  return changed;
}

/**
 * Damages a file by its parts, such as chunks: one of them is damaged, left out, repeated or put elsewhere. Lengths and
 * checks are made true again by whoever joins the parts, so that the damage gets past them.
 */
export function mutateParts(
  random: RandomStream,
  parts: readonly Uint8Array[],
  others = parts,
): Uint8Array[] {
  const changed = [...parts];
  for (let count = 1 + random.below(2); count > 0 && changed.length > 0; count--) {
    const at = random.below(changed.length);
    const part = changed[at]!;
    const kind = random.below(6);
    if (kind === 0) changed.splice(at, 1);
    else if (kind === 1) changed.splice(at, 0, ...Array(1 + random.below(30)).fill(part));
    else if (kind === 2) changed.splice(random.below(changed.length), 0, ...changed.splice(at, 1));
    else changed[at] = mutate(random, part, others);
  }
  return changed;
}

/** Puts a number of two, four or eight bytes in the place of whatever stands somewhere, in either order of bytes. */
function replaceNumber(random: RandomStream, bytes: Uint8Array): Uint8Array {
  const changed = bytes.slice();
  setNumber(
    changed,
    random.below(bytes.length),
    pick(random, [1, 2, 4, 8]),
    pick(random, numbers),
    random.below(2) > 0,
  );
  return changed;
}

/** Makes what may be a length a little or much larger or smaller. */
function enlargeNumber(random: RandomStream, bytes: Uint8Array): Uint8Array {
  const changed = bytes.slice();
  const at = random.below(bytes.length);
  const value = BigInt(bytes[at]!) + pick(random, [1n, -1n, 7n, 256n, 4096n, 1n << 20n]);
  setNumber(changed, at, pick(random, [1, 2, 4]), value, random.below(2) > 0);
  return changed;
}

function setNumber(bytes: Uint8Array, at: number, byteLength: number, value: bigint, little: boolean): void {
  for (let i = 0; i < byteLength && at + i < bytes.length; i++) {
    bytes[at + i] = Number(value >> BigInt(8 * (little ? i : byteLength - 1 - i)) & 255n);
  }
}

function range(random: RandomStream, bytes: Uint8Array): [number, number] {
  const start = random.below(bytes.length);
  return [start, Math.min(bytes.length, start + 1 + random.below(pick(random, [4, 16, 64, 256])))];
}

/** What stands in a JSON text in place of a value; `deep` is replaced by more levels than a stack has. */
const jsonValues: readonly unknown[] = [
  ...[
    null,
    true,
    0,
    1,
    -1,
    0.5,
    2 ** 31 - 1,
    2 ** 32 - 1,
    2 ** 53,
    1e300,
    "",
    "F32",
    "I64",
    "F8",
    "constructor",
  ],
  ...[
    [],
    {},
    [0, -1],
    [2 ** 40, 2 ** 40],
    [0, 2 ** 53 - 1],
    Array(300).fill(1),
    "x".repeat(3000),
    "\n\u0000\u202e",
  ],
  "deep",
];

/** Damages a JSON text: other values, values of other places, other keys, keys that stand twice, many levels. */
export function mutateJson(random: RandomStream, text: string): string {
  const root: { value: unknown } = { value: JSON.parse(text) };
  for (let count = 1 + random.below(3); count > 0; count--) {
    const places = placesOf(root);
    const place = pick(random, places);
    const value = random.below(3) === 0 ? valueAt(pick(random, places)) : pick(random, jsonValues);
    const key = random.below(4) === 0 && !Array.isArray(place.holder)
      ? pick(random, ["", "__proto__", "toString", "__metadata__", "shape", "x".repeat(2000)])
      : place.key;
    // A value that holds its own place would never end.
    Object.defineProperty(place.holder, key, {
      value: structuredClone(value),
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  let changed = JSON.stringify(root.value);
  if (changed.includes('"deep"')) {
    changed = changed.replace('"deep"', "[".repeat(deepLevels) + "]".repeat(deepLevels));
  }
  if (random.below(8) === 0) changed = changed.replace(/("[^"]{0,40}":)/, "$1 0, $1");
  return changed;
}

interface Place {
  readonly holder: Record<string, unknown>;
  readonly key: string;
}

function valueAt({ holder, key }: Place): unknown {
  return holder[key];
}

function placesOf(value: unknown): Place[] {
  if (typeof value !== "object" || value === null) return [];
  const holder = value as Record<string, unknown>;
  return Object.keys(holder).flatMap((key) => [{ holder, key }, ...placesOf(holder[key])]);
}

/** Bytes one after the other. */
export function joined(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

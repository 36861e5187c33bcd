/**
 * Counts the bytes of the buffers that a reader asks for. Importing this replaces the constructors of buffers by ones that
 * note the size before they make anything. It must be imported before the reader: some libraries keep the constructors.
 * @module
 */

const names = [
  ...[
    "ArrayBuffer",
    "Uint8Array",
    "Uint8ClampedArray",
    "Int8Array",
    "Uint16Array",
    "Int16Array",
    "Uint32Array",
  ],
  ...["Int32Array", "Float32Array", "Float64Array", "BigUint64Array", "BigInt64Array"],
] as const;

/** Bytes that were asked for, whether they were granted or not, and how many may be. */
let asked = 0;
let most = Infinity;

function ask(bytes: number): void {
  // Of other sizes there is no buffer, and the constructor says so.
  if (!(bytes > 0 && bytes < Infinity)) return;
  asked += bytes;
  if (asked > most) throw new RangeError(`${asked} bytes were asked for, ${most} are allowed by the test`);
}

for (const name of names) {
  const original = (globalThis as unknown as Record<string, { new (...args: unknown[]): object }>)[name]!;
  const elementBytes = (original as unknown as { BYTES_PER_ELEMENT?: number }).BYTES_PER_ELEMENT ?? 1;
  const construct = (target: typeof original, args: unknown[]): object => {
    const [first] = args;
    if (typeof first === "number") ask(elementBytes * first);
    else if (Array.isArray(first) || ArrayBuffer.isView(first)) {
      ask(elementBytes * (first as ArrayLike<unknown>).length);
    }
    return Reflect.construct(target, args);
  };
  Object.assign(globalThis, { [name]: new Proxy(original, { construct }) });
}

/** The bytes that a reader asks for while this is not disposed of; what is beyond the bound is not made. */
export class CountedBuffers implements Disposable {
  constructor(mostBytes: number) {
    asked = 0;
    most = mostBytes;
  }

  /** Asked for so far. */
  get bytes(): number {
    return asked;
  }

  [Symbol.dispose](): void {
    most = Infinity;
  }
}

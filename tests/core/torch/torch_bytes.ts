/** Makes zips and pickles as torch.save writes them, and as it never would. */
import { crc32 } from "../../../core/torch/crc32.ts";

/** Bytes from numbers, texts (UTF-8) and other bytes. */
export function bytesOf(...parts: (number | string | Uint8Array | number[])[]): Uint8Array {
  const encoder = new TextEncoder();
  return Uint8Array.from(parts.flatMap((part) => {
    if (typeof part === "number") return [part];
    return [...typeof part === "string" ? encoder.encode(part) : part];
  }));
}

/** A number as little-endian bytes. */
export function little(value: number, byteLength: number): number[] {
  return Array.from({ length: byteLength }, (_, i) => Number(BigInt(value) >> BigInt(8 * i) & 255n));
}

/** What to write otherwise than torch.save. */
export interface ZipFaults {
  method?: number;
  flags?: number;
  /** All sizes and offsets in zip64 fields. */
  zip64?: boolean;
  comment?: string;
}

/** A zip of stored files, with the end records of zip64 that torch.save always writes. */
export function zipOf(files: [name: string, data: Uint8Array][], faults: ZipFaults = {}): Uint8Array {
  const { method = 0, flags = 0x800, zip64 = false, comment = "" } = faults;
  const body: number[] = [];
  const directory: number[] = [];
  for (const [name, data] of files) {
    const begin = body.length;
    const nameBytes = bytesOf(name);
    const common = [...little(flags, 2), ...little(method, 2), 0, 0, 0, 0, ...little(crc32(data), 4)];
    const sizes = [...little(data.length, 4), ...little(data.length, 4)];
    const names = little(nameBytes.length, 2);
    body.push(
      ...little(0x04034b50, 4),
      0,
      0,
      ...common,
      ...sizes,
      ...names,
      ...little(3, 2),
      ...nameBytes,
      0,
      0,
      0,
    );
    for (const byte of data) body.push(byte);
    const large = [...little(data.length, 8), ...little(data.length, 8), ...little(begin, 8)];
    const extra = zip64 ? [9, 9, 1, 0, 0, ...little(1, 2), ...little(24, 2), ...large] : [];
    directory.push(...little(0x02014b50, 4), 0, 0, 0, 0, ...common);
    directory.push(
      ...zip64 ? Array(8).fill(255) : sizes,
      ...names,
      ...little(extra.length, 2),
      ...Array(10).fill(0),
    );
    directory.push(...zip64 ? Array(4).fill(255) : little(begin, 4), ...nameBytes, ...extra);
  }
  const place64 = [...little(files.length, 8), ...little(directory.length, 8), ...little(body.length, 8)];
  const end64 = [
    ...little(0x06064b50, 4),
    ...little(44, 8),
    ...Array(12).fill(0),
    ...little(files.length, 8),
    ...place64,
  ];
  const locator = [
    ...little(0x07064b50, 4),
    0,
    0,
    0,
    0,
    ...little(body.length + directory.length, 8),
    1,
    0,
    0,
    0,
  ];
  const place = [...little(files.length, 2), ...little(directory.length, 4), ...little(body.length, 4)];
  const end = [...little(0x06054b50, 4), 0, 0, 0, 0, ...little(files.length, 2), ...place];
  return bytesOf(body, directory, end64, locator, end, little(comment.length, 2), comment);
}

/** Python values as the opcodes of a pickle of protocol 2. */
export const py = {
  /** A whole pickle. */
  pickle: (value: Uint8Array): Uint8Array => bytesOf(0x80, 2, value, "."),
  text: (text: string): Uint8Array => bytesOf("X", little(bytesOf(text).length, 4), text),
  int: (value: number): Uint8Array => bytesOf("J", little(value, 4)),
  tuple: (...items: Uint8Array[]): Uint8Array => bytesOf("(", ...items, "t"),
  list: (...items: Uint8Array[]): Uint8Array => bytesOf("](", ...items, "e"),
  dict: (entries: Record<string, Uint8Array>): Uint8Array =>
    bytesOf("}(", ...Object.entries(entries).flatMap(([key, value]) => [py.text(key), value]), "u"),
  global: (module: string, name: string): Uint8Array => bytesOf("c", module, "\n", name, "\n"),
  call: (callee: Uint8Array, ...args: Uint8Array[]): Uint8Array => bytesOf(callee, py.tuple(...args), "R"),
  storage: (type: string, key: string, elementCount: number): Uint8Array =>
    bytesOf(
      py.tuple(
        py.text("storage"),
        py.global("torch", type),
        py.text(key),
        py.text("cuda:0"),
        py.int(elementCount),
      ),
      "Q",
    ),
  tensor: (storage: Uint8Array, offset: number, shape: number[], strides: number[]): Uint8Array =>
    py.call(
      py.global("torch._utils", "_rebuild_tensor_v2"),
      storage,
      py.int(offset),
      py.tuple(...shape.map(py.int)),
      py.tuple(...strides.map(py.int)),
      bytesOf(0x89),
      py.call(py.global("collections", "OrderedDict")),
    ),
};

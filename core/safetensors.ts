import { duplicateKey } from "./duplicate_key.ts";
import { isObject } from "./is_object.ts";
import { quotedValue } from "./quoted_value.ts";
import { type Dtype, dtypeBytes, elementCountOf, type StoredTensor } from "./stored_tensor.ts";

/** What is wrong with bytes that should be safetensors. */
export class SafetensorsError extends SyntaxError {
  /** The name of the class. */
  override name = "SafetensorsError";

  /** An error that says `problem`, which stands after "Cannot read safetensors: ". */
  constructor(problem: string) {
    super(`Cannot read safetensors: ${problem}`);
  }
}

/** The content of a safetensors file. */
export interface SafetensorsFile {
  /** The tensors by name, in the order of their data, which are views of the file. */
  tensors: Map<string, StoredTensor>;
  /** The file's own notes. */
  metadata: Record<string, string>;
}

const metadataKey = "__metadata__";
/** More than a hundred thousand tensors need; the format itself allows 100 MB. */
const maxHeaderBytes = 16 * 2 ** 20;
const lengthBytes = 8;

/**
 * Reads a safetensors file without copying any tensor.
 * Strict: the tensors must fill the data without gap or overlap, and everything in the header must fit.
 *
 * @param bytes the whole file: u64 length of the header, the header in JSON, the data
 * @throws SafetensorsError naming the first thing that is wrong
 */
export function parseSafetensors(bytes: Uint8Array): SafetensorsFile {
  const { header, dataStart } = readHeader(bytes);
  const data = bytes.subarray(dataStart);
  const { [metadataKey]: metadata = {}, ...entries } = header;
  const tensors = Object.entries(entries).map(([name, entry]) => checkEntry(name, entry));
  tensors.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let end = 0;
  for (const tensor of tensors) {
    if (tensor.begin < end) {
      fail(`the data of tensor ${quotedValue(tensor.name)} overlap with another tensor's`);
    }
    if (tensor.begin > end) {
      fail(`there is a gap of ${tensor.begin - end} bytes before tensor ${quotedValue(tensor.name)}`);
    }
    end = tensor.end;
    if (end > data.length) {
      fail(
        `tensor ${
          quotedValue(tensor.name)
        } ends at byte ${end} of the data, but the file has ${data.length}. Copy it again`,
      );
    }
  }
  if (end < data.length) fail(`the last ${data.length - end} bytes belong to no tensor`);
  return {
    tensors: new Map(
      tensors.map((
        { name, dtype, shape, begin, end },
      ) => [name, { dtype, shape, data: data.subarray(begin, end) }]),
    ),
    metadata: checkMetadata(metadata),
  };
}

/**
 * A safetensors file piece by piece, the header first: the data are the tensors' own, so a large file is not copied.
 * Tensors with larger elements stand first, so that all data are aligned.
 *
 * @throws RangeError if a tensor is called `__metadata__`, or its data do not fit its shape
 */
export function* safetensorsChunks(
  tensors: ReadonlyMap<string, StoredTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Generator<Uint8Array> {
  const ordered = [...tensors].sort(([, a], [, b]) => dtypeBytes[b.dtype] - dtypeBytes[a.dtype]);
  const entries: [string, unknown][] = Object.keys(metadata).length > 0 ? [[metadataKey, metadata]] : [];
  let begin = 0;
  for (const [name, { dtype, shape, data }] of ordered) {
    const end = begin + data.length;
    const needed = elementCountOf(shape) * dtypeBytes[dtype];
    if (name === metadataKey || needed !== data.length) {
      throw new RangeError(
        `Cannot write tensor ${quotedValue(name)}: its name must not be ${metadataKey}, and its data of ` +
          `${data.length} bytes must fit ${dtype} of shape [${shape}], which is ${needed} bytes`,
      );
    }
    entries.push([name, { dtype, shape, data_offsets: [begin, end] }]);
    begin = end;
  }
  const header = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)));
  const headerBytes = Math.ceil(header.length / 8) * 8; // padded with spaces, so that the data start aligned
  const start = new Uint8Array(lengthBytes + headerBytes).fill(0x20);
  new DataView(start.buffer).setBigUint64(0, BigInt(headerBytes), true);
  start.set(header, lengthBytes);
  yield start;
  for (const [, { data }] of ordered) yield data;
}

/** A whole safetensors file, for small ones; see {@linkcode safetensorsChunks} for its order and what it throws. */
export function encodeSafetensors(
  tensors: ReadonlyMap<string, StoredTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const chunks = [...safetensorsChunks(tensors, metadata)];
  const bytes = new Uint8Array(chunks.reduce((length, chunk) => length + chunk.length, 0));
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}

function readHeader(bytes: Uint8Array): { header: Record<string, unknown>; dataStart: number } {
  if (bytes.length < lengthBytes) fail(`it has ${bytes.length} bytes, too few for the length of a header`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, lengthBytes);
  const headerBytes = Number(view.getBigUint64(0, true));
  const dataStart = lengthBytes + headerBytes;
  if (headerBytes > maxHeaderBytes) fail(`its header says ${headerBytes} bytes, more than ${maxHeaderBytes}`);
  if (dataStart > bytes.length) {
    fail(`its header says ${headerBytes} bytes, but the file has ${bytes.length}. Copy it again`);
  }
  const text = headerText(bytes.subarray(lengthBytes, dataStart));
  if (!text.startsWith("{")) fail("its header is not a JSON object");
  const header = jsonOf(text);
  const twice = duplicateKey(text);
  if (twice !== undefined) fail(`its header has ${quotedValue(twice)} twice`);
  return { header, dataStart };
}

function headerText(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return fail("its header is not UTF-8");
  }
}

function jsonOf(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text);
  } catch {
    return fail("its header is not JSON");
  }
}

interface Entry {
  name: string;
  dtype: Dtype;
  shape: number[];
  begin: number;
  end: number;
}

function checkEntry(name: string, entry: unknown): Entry {
  const tensor = `tensor ${quotedValue(name)}`;
  if (!isObject(entry)) fail(`${tensor} is described by ${quotedValue(entry)}, not by an object`);
  const { dtype, shape, data_offsets: offsets } = entry;
  if (!isDtype(dtype)) {
    fail(
      `${tensor} has dtype ${quotedValue(dtype)}, which is not one of ${Object.keys(dtypeBytes).join(", ")}`,
    );
  }
  if (!isSizes(shape)) fail(`${tensor} has shape ${quotedValue(shape)}, not a list of sizes`);
  if (!isSizes(offsets) || offsets.length !== 2) {
    fail(`${tensor} has data_offsets ${quotedValue(offsets)}, not two offsets`);
  }
  const [begin = 0, end = 0] = offsets;
  const needed = elementCountOf(shape) * dtypeBytes[dtype];
  if (end - begin !== needed) {
    fail(
      `${tensor} has data_offsets [${begin}, ${end}], but ${dtype} of shape ${
        quotedValue(shape)
      } is ${needed} bytes`,
    );
  }
  return { name, dtype, shape, begin, end };
}

function checkMetadata(metadata: unknown): Record<string, string> {
  if (!isObject(metadata)) fail(`its ${metadataKey} is ${quotedValue(metadata)}, not an object`);
  for (const [key, value] of Object.entries(metadata)) {
    if (typeof value !== "string") {
      fail(`its ${metadataKey} has ${quotedValue(value)} for ${quotedValue(key)}, not a string`);
    }
  }
  return metadata as Record<string, string>;
}

function isDtype(value: unknown): value is Dtype {
  return typeof value === "string" && Object.hasOwn(dtypeBytes, value);
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}

function fail(problem: string): never {
  throw new SafetensorsError(problem);
}

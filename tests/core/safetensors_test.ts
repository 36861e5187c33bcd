import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "../fast_check.ts";
import {
  type Dtype,
  dtypeBytes,
  elementCountOf,
  encodeSafetensors,
  float32Of,
  parseSafetensors,
  safetensorsChunks,
  SafetensorsError,
  type StoredTensor,
} from "@bgpt/core";
import { readGzip, sharedTest } from "../shared.ts";

/** A file with any header. */
function fileOf(header: unknown, dataBytes = 0): Uint8Array {
  const text = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}

/** The description of a tensor of U8. */
const entry = (begin: number, end: number): unknown => ({
  dtype: "U8",
  shape: [end - begin],
  data_offsets: [begin, end],
});

function assertRefused(bytes: Uint8Array, problem: string): void {
  const error = assertThrows(
    () => parseSafetensors(bytes),
    SafetensorsError,
    `Cannot read safetensors: ${problem}`,
  );
  assert(!error.message.includes("\n") && !error.message.endsWith("."));
}

const anyTensor: fc.Arbitrary<StoredTensor> = fc
  .record({
    dtype: fc.constantFrom(...Object.keys(dtypeBytes) as Dtype[]),
    shape: fc.array(fc.nat({ max: 4 }), { maxLength: 3 }),
    seed: fc.nat(255),
  })
  .map(({ dtype, shape, seed }) => ({
    dtype,
    shape,
    data: new Uint8Array(elementCountOf(shape) * dtypeBytes[dtype]).map((_, i) => seed + i),
  }));
const anyName = fc.string().filter((name) => name !== "__metadata__");
const anyTensors = fc.array(fc.tuple(anyName, anyTensor), { maxLength: 6 }).map((entries) =>
  new Map(entries)
);
const anyMetadata = fc.dictionary(fc.string(), fc.string(), { noNullPrototype: true });

Deno.test("what is written is read back, and aligned", () => {
  fc.assert(fc.property(anyTensors, anyMetadata, (tensors, metadata) => {
    const file = parseSafetensors(encodeSafetensors(tensors, metadata));
    assertEquals(file.metadata, metadata);
    assertEquals(file.tensors.size, tensors.size);
    for (const [name, { dtype, shape, data }] of tensors) {
      const read = file.tensors.get(name);
      assertEquals({ ...read, data: Uint8Array.from(read?.data ?? []) }, { dtype, shape, data });
      assertEquals((read?.data.byteOffset ?? 1) % dtypeBytes[dtype], 0);
    }
  }));
});

Deno.test("the bytes are those of the format", () => {
  const tensors = new Map([["a", { dtype: "U8", shape: [2], data: Uint8Array.of(7, 8) } as const]]);
  const header = '{"__metadata__":{"k":"v"},"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}  ';
  const expected = [80, 0, 0, 0, 0, 0, 0, 0, ...new TextEncoder().encode(header), 7, 8];
  assertEquals([...encodeSafetensors(tensors, { k: "v" })], expected);
});

Deno.test("chunks are the tensors' own bytes, not copies", () => {
  const data = Uint8Array.of(7, 8);
  const [, chunk] = safetensorsChunks(new Map([["a", { dtype: "U8", shape: [2], data }]]));
  assert(chunk === data);
});

Deno.test("tensors are views of the file", () => {
  const bytes = fileOf({ a: entry(0, 2) }, 2);
  assert(parseSafetensors(bytes).tensors.get("a")?.data.buffer === bytes.buffer);
});

Deno.test("a tensor whose data do not fit its shape is not written", () => {
  const tensor: StoredTensor = { dtype: "F32", shape: [2], data: new Uint8Array(4) };
  assertThrows(() => encodeSafetensors(new Map([["a", tensor]])), RangeError, "which is 8 bytes");
  assertThrows(
    () => encodeSafetensors(new Map([["__metadata__", tensor]])),
    RangeError,
    "must not be __metadata__",
  );
});

Deno.test("a header that is too short, too long or cut off is refused", () => {
  assertRefused(new Uint8Array(7), "it has 7 bytes, too few for the length of a header");
  assertRefused(
    Uint8Array.of(255, 255, 255, 255, 255, 255, 255, 255),
    "its header says 18446744073709552000 bytes",
  );
  assertRefused(fileOf({}).subarray(0, 9), "its header says 2 bytes, but the file has 9. Copy it again");
});

Deno.test("a header that is no JSON object is refused", () => {
  for (const header of ["", " {}", "\ufeff{}", "[]", "null", "1"]) {
    assertRefused(fileOf(header), "its header is not a");
  }
  for (const header of ["{", "{}x", "{a:1}", '{"a":1,}']) {
    assertRefused(fileOf(header), "its header is not JSON");
  }
  const notUtf8 = fileOf("{}");
  notUtf8[9] = 255;
  assertRefused(notUtf8, "its header is not UTF-8");
});

Deno.test("a name that stands twice is refused", () => {
  const description = JSON.stringify(entry(0, 1));
  assertRefused(fileOf(`{"a":${description},"a":${description}}`, 1), 'its header has "a" twice');
  assertRefused(
    fileOf('{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"shape":[1]}}', 1),
    "its header has",
  );
});

Deno.test("a description with a wrong field is refused", () => {
  const refuse = (fields: Record<string, unknown>, problem: string): void =>
    assertRefused(fileOf({ a: { ...entry(0, 4) as object, ...fields } }, 4), `tensor "a" has ${problem}`);
  for (const dtype of ["F8", "u8", "toString", 1, null]) {
    refuse({ dtype }, `dtype ${JSON.stringify(dtype)}, which`);
  }
  for (const shape of [[-4], [1.5], ["4"], 4, null, [1e300]]) refuse({ shape }, "shape");
  for (const data_offsets of [[0], [0, 2, 4], [-4, 0], [0, "4"], {}]) {
    refuse({ data_offsets }, "data_offsets");
  }
  refuse({ shape: [5] }, "data_offsets [0, 4], but U8 of shape [5] is 5 bytes");
  refuse({ data_offsets: [4, 0] }, "data_offsets [4, 0], but");
  refuse({ shape: [2 ** 40, 2 ** 40] }, "data_offsets [0, 4], but");
  assertRefused(fileOf({ a: 1 }), 'tensor "a" is described by 1, not by an object');
});

Deno.test("gaps, overlaps and data that are missing are refused", () => {
  assertRefused(fileOf({ a: entry(0, 2), b: entry(1, 3) }, 3), 'the data of tensor "b" overlap');
  assertRefused(fileOf({ a: entry(0, 2), b: entry(3, 4) }, 4), 'there is a gap of 1 bytes before tensor "b"');
  assertRefused(fileOf({ a: entry(1, 2) }, 2), 'there is a gap of 1 bytes before tensor "a"');
  assertRefused(fileOf({ a: entry(0, 2) }, 3), "the last 1 bytes belong to no tensor");
  assertRefused(
    fileOf({ a: entry(0, 9) }, 3),
    'tensor "a" ends at byte 9 of the data, but the file has 3. Copy',
  );
});

Deno.test("metadata that are not texts are refused", () => {
  assertRefused(fileOf({ __metadata__: { k: 1 } }), 'its __metadata__ has 1 for "k", not a string');
  for (const metadata of [[], null, "k"]) {
    assertRefused(fileOf({ __metadata__: metadata }), "its __metadata__ is");
  }
});

Deno.test("a message stays short and on one line, however long or deep what is wrong", () => {
  const deep = '{"":'.repeat(200_000) + "1" + "}".repeat(200_000);
  assertRefused(fileOf(`{"a":{"dtype":${deep}}}`), 'tensor "a" has dtype {"":"…"}, which is not');
  const { message } = assertThrows(
    () => parseSafetensors(fileOf({ ["\n".repeat(1000)]: 1 })),
    SafetensorsError,
  );
  assert(message.length < 200, message);
});

Deno.test("a damaged file is read or refused with the one error", () => {
  const damage = fc.array(fc.record({ at: fc.nat(), value: fc.nat(255) }), { minLength: 1, maxLength: 4 });
  let refusals = 0;
  const property = fc.property(
    anyTensors,
    damage,
    fc.nat(),
    fc.boolean(),
    (tensors, damages, length, cut) => {
      let bytes = encodeSafetensors(tensors, { k: "v" });
      for (const { at, value } of damages) bytes[at % bytes.length] = value;
      if (cut) bytes = bytes.subarray(0, length % bytes.length);
      try {
        parseSafetensors(bytes);
      } catch (error) {
        assert(error instanceof SafetensorsError, `${error}`);
        refusals++;
      }
    },
  );
  fc.assert(property, { numRuns: 2000 });
  assert(refusals > 1000);
});

Deno.test("any JSON for a header is read or refused with the one error", () => {
  fc.assert(fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (header) => {
    try {
      parseSafetensors(fileOf(header));
    } catch (error) {
      assert(error instanceof SafetensorsError, `${error}`);
    }
  }));
});

sharedTest("the fixtures are read, and written back to the same tensors", async (fixtures) => {
  const files = [
    await readGzip(`${fixtures}/dev/model.safetensors.gz`),
    await Deno.readFile(`${fixtures}/dev/expected.safetensors`),
    await Deno.readFile(`${fixtures}/checkpoints/weights-cls.model.safetensors`),
  ];
  for (const bytes of files) {
    const { tensors, metadata } = parseSafetensors(bytes);
    assert(tensors.size > 10);
    const again = parseSafetensors(encodeSafetensors(tensors, metadata));
    assertEquals(again.metadata, metadata);
    assertEquals([...again.tensors.keys()].sort(), [...tensors.keys()].sort());
    for (const [name, { shape, data }] of tensors) {
      assertEquals(again.tensors.get(name)?.shape, shape);
      assert(again.tensors.get(name)?.data.every((byte, i) => byte === data[i]), name);
    }
  }
});

sharedTest("numbers are read as numbers", async (fixtures) => {
  const bytes = await Deno.readFile(`${fixtures}/dev/expected.safetensors`);
  const loss = parseSafetensors(bytes).tensors.get("loss");
  assert(loss !== undefined);
  const [lossNats = 0] = float32Of(loss);
  assert(lossNats > 4 && lossNats < 8, `${lossNats}`); // random weights: near or above ln 257 = 5.5
});

import { assert, assertEquals, assertLess, assertRejects } from "@std/assert";
import { type Checkpoint, crc32c, initialParameters, parameterTable, RandomStream } from "@bgpt/core";
import type { Engine, Tensor } from "@bgpt/kernels";
import { compress, Container, ContainerError, type ContainerHeader } from "@bgpt/tasks";
import { encodeHeader } from "../../../tasks/compression/container.ts";
import { chunksOf, joined, pack, unpack } from "./pack.ts";
import { stillEngine } from "./still_engine.ts";

const model = { patchSize: 4, patchLength: 13, hidden: 64, patchLayers: 1, byteLayers: 1 };
const checkpoint: Checkpoint = { model, parameters: initialParameters(parameterTable(model), 1) };
const blockBytes = 48;
const frameBlocks = 32;
const blockCount = 35;
/** Two frames: now and then a block of letters, which is coded, and others, which are stored as they are. */
const random = new RandomStream(7);
const bytes = Uint8Array.from(
  { length: (blockCount - 1) * blockBytes + 3 },
  (_, i) => i % (8 * blockBytes) < blockBytes ? 97 + random.below(26) : random.below(256),
);
const packed = await pack(stillEngine, checkpoint, bytes);

/** What decompressing a changed container came to. */
async function outcomeOf(changed: Uint8Array): Promise<{ damaged: number; refused: boolean }> {
  let damaged = 0;
  try {
    const container = await Container.open(chunksOf(changed, 1000));
    for await (const block of container.blocks(stillEngine, checkpoint)) {
      const first = block.index * blockBytes;
      const expected = bytes.subarray(first, first + blockBytes);
      if (block.damaged) damaged++;
      else assertEquals(block.bytes.join(), expected.join(), `block ${block.index} is not wrong`);
    }
    return { damaged, refused: false };
  } catch (error) {
    assert(error instanceof ContainerError, `${error}`);
    return { damaged, refused: true };
  }
}

Deno.test("blocks that pay are coded, others stored as they are, and all come back", async () => {
  assertEquals(await unpack(stillEngine, checkpoint, packed), { bytes, damaged: [] });
  const letters = bytes.subarray(0, blockBytes);
  assertLess((await pack(stillEngine, checkpoint, letters)).length, 67 + 12 + 7 + 30);
  const noise = Uint8Array.from({ length: 500 }, () => random.below(256));
  // A header, the head of a frame and in it 7 bytes for each of 11 blocks.
  assertEquals((await pack(stillEngine, checkpoint, noise)).length, 67 + 12 + 11 * 7 + 500);
});

Deno.test("a flip of a bit is noticed wherever it is, and costs no more than a frame", async () => {
  // All of the header and of the first frame's head.
  for (let at = 0; at < packed.length; at += at < 310 ? 1 : 7) {
    const changed = packed.slice();
    changed[at]! ^= 1 << at % 8;
    const { damaged, refused } = await outcomeOf(changed);
    assert(refused || damaged > 0, `byte ${at} is noticed`);
    assert(damaged <= frameBlocks, `byte ${at} damages ${damaged} blocks`);
  }
});

Deno.test("a thousand truncations, flips, gaps and repetitions give no wrong byte", async () => {
  const random = new RandomStream(3);
  for (let trial = 0; trial < 1000; trial++) {
    let changed: Uint8Array = packed.slice();
    const kind = trial % 4;
    const at = random.below(changed.length);
    const length = 1 + random.below(60);
    if (kind === 0) changed = changed.subarray(0, at);
    if (kind === 1) {
      for (let n = 0; n <= random.below(9); n++) {
        changed[random.below(changed.length)]! ^= 1 + random.below(255);
      }
    }
    if (kind === 2) changed = joined([changed.subarray(0, at), changed.subarray(at + length)]);
    if (kind === 3) changed = joined([changed.subarray(0, at + length), changed.subarray(at)]);
    const { damaged, refused } = await outcomeOf(changed);
    const same = changed.length === packed.length && changed.every((byte, i) => byte === packed[i]);
    assert(same || refused || damaged > 0, `trial ${trial} is noticed`);
  }
});

Deno.test("a damaged block costs itself alone, a damaged head its frame, a lost end what stood there", async () => {
  const last = packed.slice();
  last[last.length - 1]! ^= 1;
  assertEquals((await unpack(stillEngine, checkpoint, last)).damaged, [34]);

  const head = packed.slice();
  const headerBytes = 67;
  head[headerBytes + 9]! ^= 1;
  const { bytes: rest, damaged } = await unpack(stillEngine, checkpoint, head);
  assertEquals(damaged, Array.from({ length: 32 }, (_, i) => i));
  assertEquals(rest.subarray(32 * blockBytes), bytes.subarray(32 * blockBytes));

  const half = packed.subarray(0, packed.length / 2);
  await assertRejects(() => unpack(stillEngine, checkpoint, half), ContainerError, "of 35");
});

Deno.test("where an engine drifts from its bits behind the probe, blocks are lost and not wrong", async () => {
  const drifting: Engine = {
    ...stillEngine,
    async prepare(plan) {
      const execution = await stillEngine.prepare(plan);
      let reads = 0;
      const readFloats = async (tensor: Tensor) => {
        const logits = await execution.readFloats(tensor);
        return ++reads < 20 ? logits : logits.map((logit) => logit * 1.001);
      };
      return { ...execution, readFloats };
    },
  };
  const { bytes: rest, damaged } = await unpack(drifting, checkpoint, packed);
  // Every eighth block is coded.
  assertEquals(damaged, [0, 8, 16, 24, 32]);
  assertEquals(rest.subarray(blockBytes, 8 * blockBytes), bytes.subarray(blockBytes, 8 * blockBytes));
});

Deno.test("bytes behind the last block are refused", async () => {
  const longer = joined([packed, Uint8Array.of(0)]);
  await assertRejects(
    () => unpack(stillEngine, checkpoint, longer),
    ContainerError,
    "1 of the container's bytes",
  );
});

Deno.test("frames of another container are not taken for those that are missing", async () => {
  const longer = await pack(stillEngine, checkpoint, joined([bytes, bytes]));
  const spliced = joined([packed.subarray(0, 67), longer.subarray(67)]);
  await assertRejects(
    () => unpack(stillEngine, checkpoint, spliced),
    ContainerError,
    "ends before block 0 of 35",
  );
});

Deno.test("what is no container, or one of a later version, is refused in a sentence", async () => {
  const open = (bytes: Uint8Array) => Container.open(chunksOf(bytes));
  for (const text of ["", "hello", "PK\x03\x04 and so on"]) {
    const bytes = new TextEncoder().encode(text);
    await assertRejects(() => open(bytes), ContainerError, "this is no container of bgpt compress");
  }
  await assertRejects(() => open(packed.subarray(0, 40)), ContainerError, "the header is damaged");
  const later = packed.slice(0, 67);
  later[7] = 2;
  new DataView(later.buffer).setUint32(63, crc32c(later.subarray(0, 63)), true);
  await assertRejects(() => open(later), ContainerError, "has version 2, this program reads 1");
});

Deno.test("a header that promises more than can be is refused before anything is allocated", async () => {
  const { header } = await Container.open(chunksOf(packed));
  const open = async (changes: Partial<ContainerHeader>) => {
    const hostile = await Container.open(chunksOf(encodeHeader({ ...header, ...changes })));
    for await (const _ of hostile.blocks(stillEngine, checkpoint));
  };
  const impossible = "says what no container can have";
  await assertRejects(() => open({ byteLength: 2 ** 60 }), ContainerError, impossible);
  await assertRejects(() => open({ blockBytes: 0 }), ContainerError, impossible);
  await assertRejects(() => open({ batch: 0 }), ContainerError, impossible);
  await assertRejects(() => open({ extension: new Uint8Array(17) }), ContainerError, impossible);
  await assertRejects(
    () => open({ extension: new Uint8Array(5) }),
    ContainerError,
    "do not fit this checkpoint",
  );
  await assertRejects(() => open({ blockBytes: 49 }), ContainerError, "do not fit this checkpoint");
  await assertRejects(() => open({ batch: 1025 }), ContainerError, impossible);
  await assertRejects(() => open({ byteLength: 2 ** 52 }), ContainerError, "ends before block 0");
});

Deno.test("more blocks at once than memory holds are refused; by default there are no more than that", async () => {
  const long = { ...model, patchLength: 65536 };
  const checkpoint = { model: long, parameters: initialParameters(parameterTable(long), 1) };
  const bytes = new Uint8Array(64 * 65535 * 4);
  const input = { bytes: chunksOf(bytes, 65536), byteLength: bytes.length, extension: "bin" };
  await assertRejects(
    () => compress(stillEngine, checkpoint, input, { batch: 64 }).next(),
    RangeError,
    "64 blocks at once",
  );
  const { value } = await compress(stillEngine, checkpoint, input).next();
  assertEquals((await Container.open(chunksOf(value!))).header.batch, 10);
});

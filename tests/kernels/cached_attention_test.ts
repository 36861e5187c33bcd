import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "../fast_check.ts";
import { attention, cachedAttention, type Engine, randomUint32, ReferenceEngine } from "@bgpt/kernels";
import { cpu, engineTest, strictCpu } from "../engines.ts";
import { gpu } from "../gpu.ts";
import { anyThreadsTest } from "./any_threads.ts";
import { compareWithReference, randomFloats, randomIntegers, runKernel, type Values } from "./compare.ts";

/** All engines; the GPU where there is an adapter. */
const engines = [new ReferenceEngine(), cpu, strictCpu, ...(gpu === undefined ? [] : [gpu])];

const rows = ["lastPatch", "nextByte"] as const;

/** Sequences with up to L patches and L bytes. */
function randomInputs(shape: { B: number; L: number; H: number; D: number }, seed: number): Values {
  const { B, L, H, D } = shape;
  return {
    sequences: randomIntegers(4 * B, seed, L + 1),
    qkv: randomFloats(B * 3 * H * D, seed + 1, 2),
    cache: randomFloats(B * L * 3 * H * D, seed + 2, 2),
  };
}

engineTest("cached attention agrees with the reference", async (engine) => {
  const B = fc.constantFrom(1, 2, 5);
  const L = fc.constantFrom(1, 2, 3, 15, 16, 17, 63, 64, 65, 130, 257);
  const H = fc.constantFrom(1, 2, 3);
  const D = fc.constantFrom(4, 8, 12, 20, 48, 64);
  const row = fc.constantFrom(...rows);
  const cases = fc.asyncProperty(B, L, H, D, row, fc.nat(), async (B, L, H, D, row, seed) => {
    const shape = { B, L, H, D, row };
    await compareWithReference(engine, cachedAttention, shape, randomInputs(shape, seed));
  });
  await fc.assert(cases, { numRuns: 25 });
});

const shapes = rows.flatMap((row) => [{ B: 1, L: 130, H: 5, D: 20, row }, { B: 3, L: 17, H: 2, D: 64, row }]);
anyThreadsTest(cachedAttention, shapes.map((shape) => [shape, randomInputs(shape, 3)] as const));

engineTest("row by row, cached attention makes what attention makes of all rows at once", async (engine) => {
  const [P, H, D] = [20, 2, 8];
  const width = 3 * H * D;
  const qkv = randomFloats(P * width, 1, 2);
  const whole = { P, H, D, dropout: false, stream: 0 };
  const fileStart = new Uint32Array(P);
  const { out: expected } = await runKernel(engine, attention, whole, { qkv, fileStart });
  const shape = { B: 1, L: P, H, D, row: "nextByte" } as const;
  // What was not stored yet would show.
  let cache = new Float32Array(P * width).fill(NaN);
  for (let at = 0; at < P; at++) {
    const step = await runKernel(engine, cachedAttention, shape, {
      sequences: Uint32Array.of(0, at, 0, 0),
      qkv: qkv.slice(at * width, (at + 1) * width),
      cache,
    });
    cache = step.cache as Float32Array<ArrayBuffer>;
    for (const [i, value] of step.out!.entries()) {
      assert(Math.abs(value - expected![at * H * D + i]!) < 1e-5, `row ${at}, channel ${i}`);
    }
  }
});

engineTest("slots of whole files agree with the reference, some heads with a window", async (engine) => {
  const size = fc.record({
    B: fc.constantFrom(1, 3),
    L: fc.constantFrom(16, 64, 80, 208),
    H: fc.constantFrom(1, 3),
    D: fc.constantFrom(4, 20, 64),
    window: fc.constantFrom(1, 3, 32, 64, 300),
    globalHeads: fc.constantFrom(0, 1),
  });
  const cases = fc.asyncProperty(size, fc.nat(), async (size, seed) => {
    const shape = { ...size, row: "nextByte", ring: 16 } as const;
    const inputs = randomInputs(shape, seed);
    for (let b = 0; b < size.B; b++) inputs.sequences![4 * b] = 1 + randomUint32(b, seed, 1) % (size.L / 16);
    await compareWithReference(engine, cachedAttention, shape, inputs);
  });
  await fc.assert(cases, { numRuns: 8 });
});

engineTest("a ring of bytes agrees with the reference", async (engine) => {
  const B = fc.constantFrom(1, 2, 5);
  const L = fc.constantFrom(1, 3, 17, 32, 64, 130);
  const H = fc.constantFrom(1, 3);
  const D = fc.constantFrom(4, 20, 64);
  const ring = fc.constantFrom(1, 4, 16);
  const cases = fc.asyncProperty(B, L, H, D, ring, fc.nat(), async (B, L, H, D, ring, seed) => {
    const shape = { B, L, H, D, row: "nextByte", ring } as const;
    const inputs = randomInputs(shape, seed);
    // From rings that hold one row to those that went round many times; byte counts beyond the patch.
    inputs.sequences = randomIntegers(4 * B, seed, Math.max(3, Math.floor(3 * L / ring)));
    await compareWithReference(engine, cachedAttention, shape, inputs);
  });
  await fc.assert(cases, { numRuns: 8 });
});

const rings = [{ B: 3, L: 17, H: 2, D: 20, ring: 4 }, { B: 2, L: 64, H: 3, D: 64, ring: 16 }];
anyThreadsTest(
  cachedAttention,
  rings.map((ring) => {
    const shape = { ...ring, row: "nextByte" } as const;
    return [shape, { ...randomInputs(shape, 3), sequences: randomIntegers(4 * ring.B, 1, 30) }] as const;
  }),
);

/** Row by row over a file of P rows, beside attention over all of them: what is kept is a ring, or all. */
async function compareByteByByte(
  engine: Engine,
  L: number,
  seen: { window: number; globalHeads?: number },
  kept: { window?: number; globalHeads?: number },
): Promise<void> {
  const [P, S, H, D] = [45, 4, 2, 8];
  const width = 3 * H * D;
  const qkv = randomFloats(P * width, 1, 2);
  const whole = { P, H, D, dropout: false, stream: 0, ...seen };
  const fileStart = new Uint32Array(P);
  const { out: expected } = await runKernel(engine, attention, whole, { qkv, fileStart });
  const shape = { B: 1, L, H, D, row: "nextByte", ring: S, ...kept } as const;
  // What was not stored yet would show.
  let cache = new Float32Array(L * width).fill(NaN);
  for (let at = 0; at < P; at++) {
    const step = await runKernel(engine, cachedAttention, shape, {
      // Before the first patch there is as if one.
      sequences: Uint32Array.of(at < S ? at % 2 : 1 + Math.floor(at / S), at % S, 0, 0),
      qkv: qkv.slice(at * width, (at + 1) * width),
      cache,
    });
    cache = step.cache as Float32Array<ArrayBuffer>;
    for (const [i, value] of step.out!.entries()) {
      assert(Math.abs(value - expected![at * H * D + i]!) < 1e-5, `row ${at}, channel ${i}`);
    }
  }
}

engineTest("byte by byte, a ring makes what attention within a window makes of all rows", async (engine) => {
  await compareByteByByte(engine, 9, { window: 9 }, {});
});

engineTest(
  "byte by byte, heads with and without a window make what attention makes of all rows",
  async (engine) => {
    const mixed = { window: 9, globalHeads: 1 };
    await compareByteByByte(engine, 48, mixed, mixed);
  },
);

Deno.test("a ring's new row goes behind the latest, at its last byte where more are counted", async () => {
  // With 3 bytes of a patch the positions 0 (of no patch yet), 5, 6, 5 (of a byte count beyond the patch) and 7.
  const sequences = Uint32Array.of(0, 0, 0, 0, 2, 2, 0, 0, 3, 0, 0, 0, 2, 9, 0, 0, 3, 1, 1, 0);
  const expected = [0, 0, 1, 0, 2];
  const shape = { B: 5, L: 5, H: 1, D: 4, row: "nextByte", ring: 3 } as const;
  const qkv = Float32Array.from({ length: 5 * 12 }, (_, i) => 1 + i);
  for (const engine of engines) {
    const cache = new Float32Array(5 * 5 * 12);
    const results = await runKernel(engine, cachedAttention, shape, { sequences, cache, qkv });
    const places = expected.map((_, b) =>
      Array.from({ length: 5 }, (_, r) => r).filter((r) => results.cache![(5 * b + r) * 12 + 4] !== 0)
    );
    assertEquals(places, expected.map((at) => [at]));
  }
});

Deno.test("a ring is refused of patches, and of bytes without a patch's size", () => {
  const shape = { B: 1, L: 4, H: 1, D: 4 };
  assertThrows(() => cachedAttention.operands({ ...shape, row: "lastPatch", ring: 4 }), RangeError, "ring");
  for (const ring of [0, 1.5]) {
    assertThrows(() => cachedAttention.operands({ ...shape, row: "nextByte", ring }), RangeError, "ring");
  }
});

Deno.test("a window is refused of a ring that is no whole number of patches, and of no whole number of rows", () => {
  const shape = { B: 1, L: 9, H: 2, D: 4, row: "nextByte", ring: 4, window: 8 } as const;
  assertThrows(() => cachedAttention.operands(shape), RangeError, "a window of 8 rows in a ring of 9");
  cachedAttention.operands({ ...shape, window: 9 });
  for (const wrong of [{ window: 0 }, { window: 1.5 }, { globalHeads: 3 }, { globalHeads: -1 }]) {
    assertThrows(() => cachedAttention.operands({ ...shape, L: 12, ...wrong }), RangeError, "window");
  }
});

Deno.test("the new row is that of the last patch or the next byte, within the slot", async () => {
  // Without a patch or byte, in the middle, and with a full slot.
  const sequences = Uint32Array.of(0, 0, 0, 7, 2, 1, 0, 7, 3, 3, 1, 7);
  const shape = { B: 3, L: 3, H: 1, D: 4 };
  const cache = new Float32Array(3 * 3 * 12);
  const qkv = Float32Array.from({ length: 3 * 12 }, (_, i) => 1 + i);
  for (const engine of engines) {
    for (const row of rows) {
      const results = await runKernel(engine, cachedAttention, { ...shape, row }, { sequences, cache, qkv });
      const stored = Array.from({ length: 9 }, (_, r) => [...results.cache!.slice(12 * r + 4, 12 * (r + 1))]);
      const own = (b: number) => [...qkv.slice(12 * b + 4, 12 * (b + 1))];
      const none = Array<number>(8).fill(0);
      assertEquals(stored, [own(0), none, none, none, own(1), none, none, none, own(2)]);
    }
  }
});

Deno.test("weights are right where scores are so large that their exponentials overflow", async () => {
  const cache = new Float32Array(2 * 12);
  cache.set([100, 0, 0, 0, 1, 1, 1, 1], 4);
  const qkv = Float32Array.of(100, 0, 0, 0, -100, 0, 0, 0, 2, 2, 2, 2);
  const shape = { B: 1, L: 2, H: 1, D: 4, row: "lastPatch" } as const;
  for (const engine of engines) {
    const { out } = await runKernel(engine, cachedAttention, shape, {
      sequences: Uint32Array.of(2, 0, 0, 0),
      qkv,
      cache,
    });
    assertEquals([...out!], [1, 1, 1, 1]);
  }
});

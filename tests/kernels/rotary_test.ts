import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "../fast_check.ts";
import { newRowRotary, rotary, rotaryTurns } from "@bgpt/kernels";
import { cpu, engineTest, strictCpu } from "../engines.ts";
import { anyThreadsTest } from "./any_threads.ts";
import { packFiles } from "./attention_cases.ts";
import {
  assertClose,
  compareWithReference,
  finiteDifferences,
  randomFloats,
  randomIntegers,
  runKernel,
  type Values,
} from "./compare.ts";

const rows = ["lastPatch", "nextByte"] as const;
const heads = fc.constantFrom(1, 2, 3, 12);
const channels = fc.constantFrom(4, 8, 12, 20, 32, 36, 60, 64);
const thetas = fc.constantFrom(1, 100, 10_000, 500_000);

function stripOf(shape: { R: number; H: number; D: number }, seed: number): Values {
  const { R, H, D } = shape;
  return {
    qkv: randomFloats(R * 3 * H * D, seed, 2),
    fileStart: packFiles(R, R, seed % 3 % R, seed),
  };
}

function sequencesOf(shape: { B: number; H: number; D: number }, longest: number, seed: number): Values {
  const { B, H, D } = shape;
  return { qkv: randomFloats(B * 3 * H * D, seed, 2), sequences: randomIntegers(4 * B, seed, longest) };
}

engineTest("rotary positions, forward and backward, agree with the reference", async (engine) => {
  const R = fc.constantFrom(1, 15, 16, 17, 257, 300);
  const cases = fc.asyncProperty(
    R,
    heads,
    channels,
    thetas,
    fc.boolean(),
    fc.nat(),
    async (R, H, D, theta, inverse, seed) => {
      const shape = { R, H, D, theta, inverse };
      await compareWithReference(engine, rotary, shape, stripOf(shape, seed));
    },
  );
  await fc.assert(cases, { numRuns: 25 });
});

engineTest("rotary positions of new rows agree with the reference", async (engine) => {
  const S = fc.constantFrom(1, 8, 16);
  const row = fc.constantFrom(...rows);
  const B = fc.constantFrom(1, 3, 17);
  const cases = fc.asyncProperty(
    B,
    heads,
    channels,
    thetas,
    row,
    S,
    fc.nat(),
    async (B, H, D, theta, row, S, seed) => {
      const shape = { B, H, D, theta, row, S };
      await compareWithReference(engine, newRowRotary, shape, sequencesOf(shape, 30, seed));
    },
  );
  await fc.assert(cases, { numRuns: 15 });
});

engineTest("angles are right to 1.5e-7 at every position up to 2^20", async (engine) => {
  const [B, D, theta] = [3000, 64, 10_000];
  const qkv = new Float32Array(B * 3 * D);
  const sequences = new Uint32Array(4 * B);
  const positions = randomIntegers(B, 1, 2 ** 20 + 1);
  positions.set([0, 1, 2, 3, 2 ** 20]);
  for (let b = 0; b < B; b++) {
    sequences[4 * b] = positions[b]! + 1;
    qkv.fill(1, b * 3 * D, b * 3 * D + D / 2); // The pairs (1, 0) become (cos α, sin α).
  }
  const shape = { B, H: 1, D, theta, row: "lastPatch", S: 16 } as const;
  const turned = (await runKernel(engine, newRowRotary, shape, { qkv, sequences })).qkv!;
  const turns = rotaryTurns(shape);
  for (let b = 0; b < B; b++) {
    for (let d = 0; d < D / 2; d++) {
      const parts = BigInt(positions[b]!) * BigInt(turns[d]!) % 2n ** 32n;
      const angle = Number(parts) * 2 * Math.PI / 2 ** 32;
      for (const [at, exact] of [[d, Math.cos(angle)], [d + D / 2, Math.sin(angle)]] as const) {
        const error = Math.abs(turned[b * 3 * D + at]! - exact);
        assert(error < 1.5e-7, `${error} at position ${positions[b]}, channel ${at}`);
      }
    }
  }
});

engineTest("turning back undoes turning, and values are left alone", async (engine) => {
  const shape = { R: 70, H: 2, D: 20, theta: 10_000, inverse: false };
  const inputs = stripOf(shape, 6);
  const turned = (await runKernel(engine, rotary, shape, inputs)).qkv!;
  const back = (await runKernel(engine, rotary, { ...shape, inverse: true }, { ...inputs, qkv: turned }))
    .qkv!;
  assertClose(back, inputs.qkv!, { absolute: 1e-6, relative: 0 }, "turned back");
  const values = (qkv: Values[string]) => Array.from(qkv).filter((_, i) => i % 120 >= 80);
  assertEquals(values(turned), values(inputs.qkv!));
  assert(turned.some((value, i) => Math.abs(value - inputs.qkv![i]!) > 1));
});

Deno.test({
  name: "on the cpu engine a new row has the bits of the same row in a strip",
  // The engines outlive each test on purpose.
  sanitizeResources: false,
  sanitizeOps: false,
  fn: async () => {
    const [R, S, H, D, theta] = [48, 4, 2, 36, 10_000];
    const fileStart = new Uint32Array(R);
    const qkv = randomFloats(R * 3 * H * D, 2);
    // Rows of bytes after one patch, and of patches after one.
    const states = {
      nextByte: (r: number) => [1 + Math.floor(r / S), r % S, 0, 0],
      lastPatch: (r: number) => [1 + r, 3, 0, 0],
    };
    for (const engine of [cpu, strictCpu]) {
      const strip = await runKernel(engine, rotary, { R, H, D, theta, inverse: false }, { qkv, fileStart });
      for (const row of rows) {
        const sequences = Uint32Array.from({ length: 4 * R }, (_, i) => states[row](i >> 2)[i & 3]!);
        const shape = { B: R, H, D, theta, row, S };
        assertEquals(await runKernel(engine, newRowRotary, shape, { qkv, sequences }), strip);
      }
    }
  },
});

const strips = [[150, 2, 64], [90, 3, 20], [1, 1, 4]].map(([R, H, D]) => {
  const shape = { R: R!, H: H!, D: D!, theta: 10_000, inverse: R === 90 };
  return [shape, stripOf(shape, 3)] as const;
});
anyThreadsTest(rotary, strips);
anyThreadsTest(
  newRowRotary,
  rows.map((row) => {
    const shape = { B: 5, H: 2, D: 28, theta: 10_000, row, S: 16 };
    return [shape, sequencesOf(shape, 1000, 4)] as const;
  }),
);

Deno.test("angles are those of the paper, to half a part of a turn at each position", () => {
  for (const [D, theta] of [[64, 10_000], [64, 500_000], [20, 100], [4, 1]] as const) {
    const turns = rotaryTurns({ D, theta });
    assertEquals(turns.length, D / 2);
    for (const [d, turn] of turns.entries()) {
      const exact = 2 ** 32 * theta ** (-2 * d / D) / (2 * Math.PI);
      assert(Math.abs(turn - exact) <= 0.5 + 1e-5, `${turn} instead of ${exact}`);
    }
  }
});

Deno.test("the product of a query and a key depends on how far apart they stand alone", () => {
  const [R, D] = [200, 16];
  const [q, k] = [Float64Array.from(randomFloats(D, 1)), Float64Array.from(randomFloats(D, 2))];
  const qkv = new Float64Array(R * 3 * D);
  for (let r = 0; r < R; r++) {
    qkv.set(q, r * 3 * D);
    qkv.set(k, r * 3 * D + D);
  }
  const fileStart = new Uint32Array(R);
  rotary.reference({ R, H: 1, D, theta: 100, inverse: false }, { qkv, fileStart });
  const product = (a: number, b: number) => {
    let sum = 0;
    for (let d = 0; d < D; d++) sum += qkv[a * 3 * D + d]! * qkv[b * 3 * D + D + d]!;
    return sum;
  };
  for (const distance of [0, 1, 7, 60]) {
    for (const at of [1, 50, 139]) {
      assertClose([product(at + distance, at)], [product(distance, 0)], { absolute: 1e-8, relative: 0 }, "");
    }
  }
  assert(Math.abs(product(1, 0) - product(0, 0)) > 1e-3);
});

Deno.test("turning back is the derivative of turning", () => {
  const shape = { R: 7, H: 2, D: 12, theta: 50, inverse: false };
  const f64 = (seed: number) => Float64Array.from(randomFloats(7 * 72, seed));
  const fileStart = Uint32Array.of(0, 0, 0, 3, 3, 3, 3);
  const weights = f64(2);
  const dQkv = weights.slice();
  rotary.reference({ ...shape, inverse: true }, { qkv: dQkv, fileStart });
  const expected = finiteDifferences(rotary, shape, { qkv: f64(1), fileStart }, {
    operand: "qkv",
    output: "qkv",
    weights,
    indices: Array.from({ length: 7 * 72 }, (_, i) => i),
  });
  assertClose(dQkv, expected, { absolute: 1e-9, relative: 1e-9 }, "dQkv");
});

Deno.test("rotary positions refuse sizes and frequencies they have no angles for", () => {
  const shape = { R: 4, H: 1, D: 8, theta: 10_000, inverse: false };
  assertThrows(() => rotary.operands({ ...shape, D: 6 }), RangeError, "6 channels a head");
  for (const theta of [0, 0.5, NaN, Infinity]) {
    assertThrows(() => rotary.operands({ ...shape, theta }), RangeError, `theta ${theta}`);
  }
});

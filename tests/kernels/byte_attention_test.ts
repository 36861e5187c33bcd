import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "../fast_check.ts";
import {
  byteAttention,
  byteAttentionBackward,
  type ByteAttentionShape,
  dropoutFactor,
  encodeStep,
  ReferenceEngine,
} from "@bgpt/kernels";
import { engineTest } from "../engines.ts";
import { anyThreadsTest } from "./any_threads.ts";
import {
  assertClose,
  compareWithReference,
  finiteDifferences,
  randomFloats,
  runKernel,
  type Values,
} from "./compare.ts";

const step = encodeStep({ dropoutSeed: 12, dropoutRate: 0.3 });

/** Operands of both kernels; scores reach a few units. */
function operandsFor({ N, S, H, D }: ByteAttentionShape, seed: number): Values {
  return {
    step,
    qkv: randomFloats(N * S * 3 * H * D, seed, 2),
    dOut: randomFloats(N * S * H * D, seed + 1),
  };
}

engineTest(
  "byte attention and its gradient agree with the reference at every size",
  async (engine) => {
    const sizes: fc.Arbitrary<Omit<ByteAttentionShape, "stream">> = fc.record({
      N: fc.oneof(fc.constantFrom(1, 15, 16, 17, 257), fc.integer({ min: 1, max: 40 })),
      S: fc.oneof(fc.constantFrom(8, 16), fc.integer({ min: 1, max: 16 })),
      H: fc.integer({ min: 1, max: 5 }),
      D: fc.constantFrom(4, 8, 20, 32, 64, 68),
      dropout: fc.boolean(),
    }).filter(({ N, S, H, D }) => N * S * H * D < 100_000);
    const cases = fc.asyncProperty(sizes, fc.nat(), async (size, seed) => {
      const shape = { ...size, stream: seed % 5 };
      const inputs = operandsFor(shape, seed);
      await compareWithReference(engine, byteAttention, shape, inputs);
      await compareWithReference(engine, byteAttentionBackward, shape, inputs);
    });
    // The shapes that models have are always among them.
    const model = (
      S: number,
    ): [Omit<ByteAttentionShape, "stream">, number] => [{ N: 11, S, H: 2, D: 64, dropout: S > 8 }, S];
    await fc.assert(cases, { numRuns: 9, examples: [model(16), model(8)] });
  },
);

engineTest("a changed byte changes no bit of another patch or of an earlier byte", async (engine) => {
  const [N, S, H, D] = [5, 13, 2, 8];
  const shape = { N, S, H, D, dropout: true, stream: 1 };
  const inputs = operandsFor(shape, 9);
  const C = H * D;
  const before = (await runKernel(engine, byteAttention, shape, inputs)).out!;
  for (const changed of [2, S + 4, 2 * S + 12, N * S - 1]) {
    const qkv = inputs.qkv!.slice();
    for (let i = 0; i < 3 * C; i++) qkv[changed * 3 * C + i]! += 1;
    const after = (await runKernel(engine, byteAttention, shape, { ...inputs, qkv })).out!;
    for (let row = 0; row < N * S; row++) {
      const [now, then] = [after, before].map((out) => out.slice(row * C, (row + 1) * C));
      const patchEnd = (Math.floor(changed / S) + 1) * S;
      if (row === changed) assert(now!.some((value, i) => value !== then![i]), `row ${row} did not change`);
      else if (row < changed || row >= patchEnd) assertEquals(now, then, `row ${row}`);
    }
  }
});

engineTest("byte attention and its gradient have the same bits every time", async (engine) => {
  const shape = { N: 40, S: 16, H: 3, D: 64, dropout: true, stream: 2 };
  const inputs = operandsFor(shape, 10);
  for (const kernel of [byteAttention, byteAttentionBackward]) {
    const run = () => runKernel(engine, kernel as typeof byteAttentionBackward, shape, inputs);
    assertEquals(await run(), await run());
  }
});

for (const kernel of [byteAttention, byteAttentionBackward]) {
  const cases = [[40, 16, 3, 64], [5, 13, 2, 20], [1, 1, 1, 4]].map(([N, S, H, D]) => {
    const shape = { N: N!, S: S!, H: H!, D: D!, dropout: true, stream: 2 };
    return [shape, operandsFor(shape, 10)] as const;
  });
  anyThreadsTest(kernel as typeof byteAttentionBackward, cases);
}

Deno.test("the byte reference equals a dense masked softmax", async () => {
  for (const dropout of [false, true]) {
    const [N, S, H, D] = [3, 16, 2, 8];
    const shape = { N, S, H, D, dropout, stream: 4 };
    const { qkv } = operandsFor(shape, 7);
    const { out } = await runKernel(new ReferenceEngine(), byteAttention, shape, { step, qkv: qkv! });
    const at = (part: number, row: number, h: number, d: number) =>
      qkv![row * 3 * H * D + part * H * D + h * D + d]!;
    for (let n = 0; n < N; n++) {
      for (let h = 0; h < H; h++) {
        for (let q = 0; q < S; q++) {
          const exponentials = Array.from({ length: S }, (_, k) => {
            let score = 0;
            for (let d = 0; d < D; d++) {
              score += at(0, n * S + q, h, d) * at(1, n * S + k, h, d) / Math.sqrt(D);
            }
            return k <= q ? Math.exp(score) : 0;
          });
          const sum = exponentials.reduce((a, b) => a + b);
          const expected = Array.from({ length: D }, (_, d) =>
            exponentials.reduce((total, e, k) => {
              const index = ((n * H + h) * S + q) * S + k;
              const factor = dropout ? dropoutFactor(index, 4, 12, Math.fround(0.3)) : 1;
              return total + factor * e / sum * at(2, n * S + k, h, d);
            }, 0));
          const start = (n * S + q) * H * D + h * D;
          const what = `patch ${n}, head ${h}, byte ${q}`;
          assertClose(out!.slice(start, start + D), expected, { absolute: 1e-6, relative: 1e-6 }, what);
        }
      }
    }
  }
});

Deno.test("the byte backward pass is the derivative of the forward pass, with the same dropout mask", () => {
  for (const dropout of [false, true]) {
    for (const S of [1, 5, 8]) {
      const shape = { N: 2, S, H: 2, D: 4, dropout, stream: 6 };
      const length = 2 * S * 24;
      const qkv = Float64Array.from(randomFloats(length, 1, 1.5));
      const dOut = Float64Array.from(randomFloats(length / 3, 2));
      const dQkv = new Float64Array(length);
      byteAttentionBackward.reference(shape, { step, qkv, dOut, dQkv });
      const expected = finiteDifferences(byteAttention, shape, { step, qkv }, {
        operand: "qkv",
        output: "out",
        weights: dOut,
        indices: Array.from({ length }, (_, i) => i),
      });
      assertClose(dQkv, expected, { absolute: 1e-9, relative: 1e-8 }, `dQkv, S ${S}, dropout ${dropout}`);
      const nonzero = expected.filter((value) => Math.abs(value) > 0.01).length;
      assert(S === 1 || nonzero > length / 2, "too many gradients are zero");
    }
  }
});

Deno.test("byte attention refuses sizes that its lanes cannot hold", () => {
  for (const [S, D] of [[0, 8], [17, 8], [16, 6], [16, 0]]) {
    const shape = { N: 4, S: S!, H: 1, D: D!, dropout: false, stream: 0 };
    for (const kernel of [byteAttention, byteAttentionBackward]) {
      assertThrows(() => kernel.operands(shape), RangeError, "Cannot plan byte attention");
    }
  }
});

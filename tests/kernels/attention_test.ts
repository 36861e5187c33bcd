import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "../fast_check.ts";
import { attention, attentionBackward, dropoutFactor, ReferenceEngine } from "@bgpt/kernels";
import { cpu, engineTest, strictCpu } from "../engines.ts";
import { anyThreadsTest } from "./any_threads.ts";
import { backwardAndSlope, compareBoth, operandsFor, packFiles, step } from "./attention_cases.ts";
import { assertClose, randomFloats, runKernel, type Values } from "./compare.ts";

const reference = new ReferenceEngine();
const patches = fc.oneof(
  fc.constantFrom(1, 15, 16, 17, 31, 32, 33, 64, 257),
  fc.integer({ min: 1, max: 140 }),
);

engineTest(
  "attention and its gradient agree with the reference on any packing of files",
  async (engine) => {
    const size = fc.record({
      P: patches,
      H: fc.integer({ min: 1, max: 3 }),
      D: fc.constantFrom(4, 8, 20, 32, 36, 64),
      dropout: fc.boolean(),
      stream: fc.nat(4),
    });
    const packing = fc.record({
      longest: fc.constantFrom(1, 2, 9, 40, 300),
      padding: fc.constantFrom(0, 0, 1, 37),
      seed: fc.nat(),
    });
    // Compiling takes most of the time, so several packings share a shape.
    const packings = fc.array(packing, { minLength: 4, maxLength: 4 });
    const cases = fc.asyncProperty(size, packings, async (shape, packings) => {
      for (const { longest, padding, seed } of packings) {
        await compareBoth(engine, shape, packFiles(shape.P, longest, Math.min(shape.P, padding), seed), seed);
      }
    });
    await fc.assert(cases, { numRuns: 6 });
  },
);

engineTest(
  "one file that fills the strip, files of one patch and a strip of padding agree with the reference",
  async (engine) => {
    const shape = { P: 131, H: 2, D: 64, dropout: true, stream: 3 };
    const strips = {
      oneFile: new Uint32Array(131),
      padding: packFiles(131, 1, 131, 0),
      onePatchThenOneFile: Uint32Array.from({ length: 131 }, (_, p) => Math.min(p, 1)),
    };
    for (const fileStart of Object.values(strips)) await compareBoth(engine, shape, fileStart, 5);
  },
);

engineTest("scores of hundreds neither overflow nor lose the largest", async (engine) => {
  const shape = { P: 70, H: 1, D: 16, dropout: false, stream: 0 };
  const inputs = { fileStart: new Uint32Array(70), qkv: randomFloats(70 * 48, 8, 30) };
  const expected = await runKernel(reference, attention, shape, inputs);
  const actual = await runKernel(engine, attention, shape, inputs);
  const highest = Math.max(...expected.logSumExp!);
  assert(highest > 500, `the scores reach ${highest}`);
  // A score of 1,000 is good to 1e-4 in f32, and so are the probabilities.
  assertClose(actual.out!, expected.out!, { absolute: 0, relative: 1e-3 }, "out");
  assertClose(actual.logSumExp!, expected.logSumExp!, { absolute: 0, relative: 1e-6 }, "logSumExp");
});

engineTest("a changed patch changes no bit of another file or of an earlier patch", async (engine) => {
  const shape = { P: 100, H: 2, D: 16, dropout: true, stream: 1 };
  const fileStart = packFiles(100, 30, 3, 4);
  const inputs = await operandsFor(shape, fileStart, 9);
  const before = await runKernel(engine, attention, shape, inputs);
  const C = 32;
  for (const changed of [0, 31, 32, 50, 99]) {
    const qkv = inputs.qkv!.slice();
    for (let i = 0; i < 3 * C; i++) qkv[changed * 3 * C + i]! += 1;
    const after = await runKernel(engine, attention, shape, { ...inputs, qkv });
    for (let p = 0; p < 100; p++) {
      const [now, then] = [after, before].map(({ out, logSumExp }) => [
        ...out!.slice(p * C, (p + 1) * C),
        logSumExp![p]!,
        logSumExp![100 + p]!,
      ]);
      if (p === changed) assert(now!.some((value, i) => value !== then![i]), `patch ${p} did not change`);
      else if (p < changed || fileStart[p] !== fileStart[changed]) assertEquals(now, then, `patch ${p}`);
    }
  }
});

engineTest(
  "a changed output gradient changes no bit of another file's gradient or of a later patch's",
  async (engine) => {
    const shape = { P: 100, H: 2, D: 16, dropout: true, stream: 1 };
    const fileStart = packFiles(100, 30, 3, 4);
    const inputs = await operandsFor(shape, fileStart, 9);
    const before = (await runKernel(engine, attentionBackward, shape, inputs)).dQkv!;
    const C = 32;
    for (const changed of [0, 31, 32, 50, 99]) {
      const dOut = inputs.dOut!.slice();
      for (let i = 0; i < C; i++) dOut[changed * C + i]! += 1;
      const after = (await runKernel(engine, attentionBackward, shape, { ...inputs, dOut })).dQkv!;
      for (let p = 0; p < 100; p++) {
        const [now, then] = [after, before].map((dQkv) => dQkv.slice(p * 3 * C, (p + 1) * 3 * C));
        if (p === changed) assert(now!.some((value, i) => value !== then![i]), `patch ${p} did not change`);
        else if (p > changed || fileStart[p] !== fileStart[changed]) assertEquals(now, then, `patch ${p}`);
      }
    }
  },
);

engineTest("attention and its gradient have the same bits every time", async (engine) => {
  const shape = { P: 150, H: 2, D: 64, dropout: true, stream: 2 };
  const inputs = await operandsFor(shape, packFiles(150, 90, 0, 6), 10);
  for (const kernel of [attention, attentionBackward]) {
    const run = () => runKernel(engine, kernel as typeof attentionBackward, shape, inputs);
    assertEquals(await run(), await run());
  }
});

Deno.test({
  name: "on the cpu engine a file has the same bits wherever it stands in the strip, with a window too",
  // The engines outlive each test on purpose.
  sanitizeResources: false,
  sanitizeOps: false,
  fn: async () => {
    const [P, first, length, C] = [190, 37, 150, 20];
    const whole = { P, H: 1, D: C, dropout: false, stream: 0 };
    const fileStart = Uint32Array.from({ length: P }, (_, p) => p < first ? 0 : Math.min(first, p));
    fileStart.fill(first + length, first + length);
    const rows = (values: Float32Array | Uint32Array, width: number) =>
      values.slice(first * width, (first + length) * width);
    for (const shape of [whole, { ...whole, window: 40 }]) {
      const strip = await operandsFor(shape, fileStart, 3);
      const alone: Values = { step, fileStart: new Uint32Array(length) };
      for (const [name, width] of [["qkv", 3 * C], ["out", C], ["dOut", C], ["logSumExp", 1]] as const) {
        alone[name] = rows(strip[name]!, width);
      }
      for (const engine of [cpu, strictCpu]) {
        for (const kernel of [attention, attentionBackward] as (typeof attentionBackward)[]) {
          const inStrip = await runKernel(engine, kernel, shape, strip);
          const byItself = await runKernel(engine, kernel, { ...shape, P: length }, alone);
          for (const [name, values] of Object.entries(byItself)) {
            assertEquals(rows(inStrip[name]!, values.length / length), values, `${engine.name} ${name}`);
          }
        }
      }
    }
  },
});

for (const kernel of [attention, attentionBackward]) {
  const cases = [[150, 2, 64, 90], [90, 3, 20, 4], [1, 1, 4, 1]].map(async ([P, H, D, longest]) => {
    const shape = { P: P!, H: H!, D: D!, dropout: true, stream: 2 };
    return [shape, await operandsFor(shape, packFiles(P!, longest!, 0, 6), 10)] as const;
  });
  anyThreadsTest(kernel as typeof attentionBackward, await Promise.all(cases));
}

Deno.test("the reference equals a dense masked softmax", async () => {
  const cases = fc.asyncProperty(
    fc.integer({ min: 1, max: 40 }),
    fc.boolean(),
    fc.nat(),
    async (P, dropout, seed) => {
      const shape = { P, H: 2, D: 8, dropout, stream: 4 };
      const fileStart = packFiles(P, 12, seed % P, seed);
      const { qkv, out, logSumExp } = await operandsFor(shape, fileStart, seed);
      const at = (part: number, p: number, h: number, d: number) => qkv![p * 48 + part * 16 + h * 8 + d]!;
      for (let h = 0; h < 2; h++) {
        for (let q = 0; q < P; q++) {
          const exponentials = Array.from({ length: P }, (_, k) => {
            let score = 0;
            for (let d = 0; d < 8; d++) score += at(0, q, h, d) * at(1, k, h, d) / Math.sqrt(8);
            const sameFile = fileStart[k] === fileStart[q];
            return sameFile && k <= q ? Math.exp(score) : 0;
          });
          const sum = exponentials.reduce((a, b) => a + b);
          const expected = Array.from({ length: 8 }, (_, d) =>
            exponentials.reduce((total, e, k) => {
              const factor = dropout ? dropoutFactor((h * P + q) * P + k, 4, 11, Math.fround(0.3)) : 1;
              return total + factor * e / sum * at(2, k, h, d);
            }, 0));
          const actual = out!.slice(q * 16 + h * 8, q * 16 + h * 8 + 8);
          assertClose(actual, expected, { absolute: 1e-6, relative: 1e-6 }, `out of query ${q}, head ${h}`);
          assertClose(
            [logSumExp![h * P + q]!],
            [Math.log(sum)],
            { absolute: 1e-6, relative: 1e-6 },
            "logSumExp",
          );
        }
      }
    },
  );
  await fc.assert(cases, { numRuns: 20 });
});

Deno.test("the backward pass is the derivative of the forward pass, with the same dropout mask", () => {
  for (const dropout of [false, true]) {
    const { actual, expected } = backwardAndSlope({ dropout });
    assertClose(actual, expected, { absolute: 1e-9, relative: 1e-8 }, `dQkv, dropout ${dropout}`);
    assert(expected.filter((value) => Math.abs(value) > 0.01).length > 150, "too many gradients are zero");
  }
});

Deno.test("attention refuses channels that its tiles cannot hold", () => {
  for (const D of [0, 6, 68]) {
    const shape = { P: 4, H: 1, D, dropout: false, stream: 0 };
    for (const kernel of [attention, attentionBackward]) {
      assertThrows(() => kernel.operands(shape), RangeError, `attention with ${D} channels a head`);
    }
  }
});

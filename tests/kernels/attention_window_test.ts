import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "../fast_check.ts";
import { attention, attentionBackward, dropoutFactor } from "@bgpt/kernels";
import { cpu, engineTest, strictCpu } from "../engines.ts";
import { anyThreadsTest } from "./any_threads.ts";
import { backwardAndSlope, compareBoth, operandsFor, packFiles } from "./attention_cases.ts";
import { assertClose, runKernel } from "./compare.ts";

const kernels = [attention, attentionBackward] as (typeof attentionBackward)[];

engineTest(
  "attention within a window, and its gradient, agree with the reference on any packing of files",
  async (engine) => {
    const size = fc.record({
      P: fc.oneof(fc.constantFrom(1, 31, 64, 257), fc.integer({ min: 1, max: 220 })),
      H: fc.integer({ min: 1, max: 2 }),
      D: fc.constantFrom(4, 20, 64),
      dropout: fc.boolean(),
      stream: fc.nat(4),
      window: fc.constantFrom(1, 2, 16, 17, 31, 32, 33, 48, 64, 100, 1000),
      globalHeads: fc.integer({ min: 0, max: 1 }),
    });
    const packing = fc.record({
      longest: fc.constantFrom(1, 9, 70, 300, 300),
      padding: fc.constantFrom(0, 0, 1, 37),
      seed: fc.nat(),
    });
    const packings = fc.array(packing, { minLength: 6, maxLength: 6 });
    const cases = fc.asyncProperty(size, packings, async (shape, packings) => {
      for (const { longest, padding, seed } of packings) {
        await compareBoth(engine, shape, packFiles(shape.P, longest, Math.min(shape.P, padding), seed), seed);
      }
    });
    // A shader is compiled for every shape, which is what a software GPU takes long for.
    await fc.assert(cases, { numRuns: engine.name === "cpu" ? 20 : 3 });
  },
);

Deno.test({
  name:
    "on the cpu engine one long file agrees with the reference wherever its windows end within a block of keys",
  // The engines outlive each test on purpose.
  sanitizeResources: false,
  sanitizeOps: false,
  fn: async () => {
    for (const window of [1, 2, 3, 17, 30, 31, 32, 33, 34, 48, 62, 63, 64, 65, 66]) {
      const shape = { P: 211, H: 1, D: 4, dropout: false, stream: 0, window };
      for (const engine of [cpu, strictCpu]) await compareBoth(engine, shape, new Uint32Array(211), window);
    }
  },
});

engineTest("a window as long as the longest file has the bits of none", async (engine) => {
  const whole = { P: 200, H: 2, D: 20, dropout: true, stream: 1 };
  const fileStart = packFiles(200, 70, 5, 7);
  const longest = Math.max(...fileStart.map((start, p) => p - start + 1));
  const inputs = await operandsFor(whole, fileStart, 2);
  for (const kernel of kernels) {
    const expected = await runKernel(engine, kernel, whole, inputs);
    for (const window of [longest, 2 ** 40]) {
      assertEquals(await runKernel(engine, kernel, { ...whole, window }, inputs), expected, `${window}`);
    }
    // That it does not merely leave the window out.
    const { out, dQkv } = await runKernel(engine, kernel, { ...whole, window: longest - 1 }, inputs);
    assert((out ?? dQkv)!.some((value, i) => value !== (expected.out ?? expected.dQkv)![i]));
  }
});

engineTest(
  "of two heads the global one has the bits of none with a window, the other those of both",
  async (engine) => {
    const [P, D, window] = [120, 20, 33];
    const shape = { P, H: 2, D, dropout: true, stream: 1 };
    const fileStart = packFiles(P, 90, 5, 7);
    const inputs = await operandsFor(shape, fileStart, 2);
    const run = (more: { window?: number; globalHeads?: number }) =>
      runKernel(engine, attention, { ...shape, ...more }, inputs);
    const [none, both, one] = [await run({}), await run({ window }), await run({ window, globalHeads: 1 })];
    const head = ({ out }: typeof one, h: number) => out!.filter((_, i) => Math.floor(i / D) % 2 === h);
    assertEquals(head(one, 0), head(none, 0));
    assertEquals(head(one, 1), head(both, 1));
    assert(head(none, 0).some((value, i) => value !== head(both, 0)[i]), "the window hides something");
  },
);

engineTest("a row's bits do not depend on rows beyond the window", async (engine) => {
  const [P, C, window] = [150, 8, 33];
  const shape = { P, H: 1, D: C, dropout: false, stream: 1, window };
  const inputs = await operandsFor(shape, new Uint32Array(P), 9);
  const forward = await runKernel(engine, attention, shape, inputs);
  const backward = await runKernel(engine, attentionBackward, shape, inputs);
  for (const changed of [0, 31, 32, 70, 149]) {
    const qkv = inputs.qkv!.slice();
    for (let i = 0; i < 3 * C; i++) qkv[changed * 3 * C + i]! += 1;
    const dOut = inputs.dOut!.slice();
    for (let i = 0; i < C; i++) dOut[changed * C + i]! += 1;
    const out = (await runKernel(engine, attention, shape, { ...inputs, qkv })).out!;
    const dQkv = (await runKernel(engine, attentionBackward, shape, { ...inputs, dOut })).dQkv!;
    for (let p = 0; p < P; p++) {
      const changes = (width: number, now: ArrayLike<number>, then: ArrayLike<number>) =>
        Array.from({ length: width }, (_, i) => p * width + i).some((i) => now[i] !== then[i]);
      const sees = p >= changed && p < changed + window;
      const isSeen = p <= changed && p > changed - window;
      assertEquals(changes(C, out, forward.out!), sees, `row ${p} of out after ${changed} changed`);
      assertEquals(changes(3 * C, dQkv, backward.dQkv!), isSeen, `row ${p} of dQkv after ${changed} changed`);
    }
  }
});

for (const kernel of kernels) {
  const sizes = [[150, 2, 64, 90, 32], [300, 1, 20, 300, 17], [90, 3, 4, 4, 3]] as const;
  const cases = sizes.map(async ([P, H, D, longest, window], i) => {
    const shape = { P, H, D, dropout: true, stream: 2, window, globalHeads: i % 2 };
    return [shape, await operandsFor(shape, packFiles(P, longest, 0, 6), 10)] as const;
  });
  anyThreadsTest(kernel, await Promise.all(cases));
}

Deno.test("the reference equals a dense softmax masked to the latest rows", async () => {
  const [P, H, D] = [40, 2, 8];
  for (const [window, dropout] of [[1, false], [5, true], [12, false], [60, true]] as const) {
    const shape = { P, H, D, dropout, stream: 4, window };
    const fileStart = packFiles(P, 20, 3, window);
    const { qkv, out } = await operandsFor(shape, fileStart, window);
    const at = (part: number, p: number, h: number, d: number) =>
      qkv![p * 3 * H * D + part * H * D + h * D + d]!;
    for (let h = 0; h < H; h++) {
      for (let q = 0; q < P; q++) {
        const exponentials = Array.from({ length: P }, (_, k) => {
          let score = 0;
          for (let d = 0; d < D; d++) score += at(0, q, h, d) * at(1, k, h, d) / Math.sqrt(D);
          return fileStart[k] === fileStart[q] && k <= q && q - k < window ? Math.exp(score) : 0;
        });
        const sum = exponentials.reduce((a, b) => a + b);
        const expected = Array.from({ length: D }, (_, d) =>
          exponentials.reduce((total, e, k) => {
            const factor = dropout ? dropoutFactor((h * P + q) * P + k, 4, 11, Math.fround(0.3)) : 1;
            return total + factor * e / sum * at(2, k, h, d);
          }, 0));
        const actual = out!.slice((q * H + h) * D, (q * H + h + 1) * D);
        assertClose(actual, expected, { absolute: 1e-6, relative: 1e-6 }, `out of query ${q}, head ${h}`);
      }
    }
  }
});

Deno.test("the backward pass is the derivative of the forward pass within the window", () => {
  for (const [window, globalHeads] of [[1, 0], [3, 0], [3, 1]] as const) {
    const { actual, expected } = backwardAndSlope({ dropout: true, window, globalHeads });
    assertClose(actual, expected, { absolute: 1e-9, relative: 1e-8 }, `dQkv, window ${window}`);
    // A window of 1 leaves nothing but the values' gradients.
    const [fewest, most] = window === 1 ? [50, 88] : [120, 264];
    const large = expected.filter((value) => Math.abs(value) > 0.01).length;
    assert(large > fewest && large <= most, `${large} gradients are not zero`);
  }
});

Deno.test("the cost counts the pairs within the window", () => {
  for (const [P, window] of [[1, 1], [10, 3], [10, 10], [10, 99], [257, 32]] as const) {
    const shape = { P, H: 3, D: 8, dropout: false, stream: 0, window };
    let pairs = 0;
    for (let q = 0; q < P; q++) pairs += Math.min(q + 1, window);
    assertEquals(attention.cost(shape).flops, 4 * 3 * 8 * pairs);
    assertEquals(attentionBackward.cost(shape).flops, 10 * 3 * 8 * pairs);
    const mixed = 4 * 8 * (2 * pairs + P * (P + 1) / 2);
    assertEquals(attention.cost({ ...shape, globalHeads: 1 }).flops, mixed);
  }
});

Deno.test("attention refuses a window that is no whole number of rows, and heads that it does not have", () => {
  for (const globalHeads of [-1, 0.5, 2]) {
    const shape = { P: 4, H: 1, D: 4, dropout: false, stream: 0, window: 2, globalHeads };
    for (const kernel of kernels) {
      assertThrows(() => kernel.operands(shape), RangeError, `${globalHeads} of 1 heads`);
    }
  }
  for (const window of [0, -1, 1.5, NaN]) {
    const shape = { P: 4, H: 1, D: 4, dropout: false, stream: 0, window };
    for (const kernel of kernels) {
      assertThrows(() => kernel.operands(shape), RangeError, `a window of ${window} rows`);
    }
  }
});

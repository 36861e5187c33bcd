import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "../fast_check.ts";
import {
  decodeSampling,
  encodeSampling,
  filteredProbabilities,
  randomUniform,
  ReferenceEngine,
  sample,
  type SamplingValues,
} from "@bgpt/kernels";
import { cpu, engineTest, strictCpu } from "../engines.ts";
import { gpu } from "../gpu.ts";
import { anyThreadsTest } from "./any_threads.ts";
import { assertClose, compareWithReference, randomFloats, randomIntegers, runKernel } from "./compare.ts";

/** All engines; the GPU where there is an adapter. */
const engines = [new ReferenceEngine(), cpu, strictCpu, ...(gpu === undefined ? [] : [gpu])];

/** No filter. */
const plain = { topK: 0, topP: 1, temperature: 1, ignoreEnd: false };

/** The token that the first byte of one sequence gets. */
async function drawOne(
  engine: (typeof engines)[number],
  logits: Float32Array,
  choices: Partial<SamplingValues>,
  state: readonly [number, number, number, number] = [1, 0, 0, 0],
): Promise<number> {
  const { row } = await runKernel(engine, sample, { B: 1, S: 1, V: logits.length }, {
    logits,
    row: Uint32Array.of(256),
    sequences: Uint32Array.from(state),
    sampling: encodeSampling(choices),
  });
  return row![0]!;
}

/** Tokens drawn by as many sequences, each with a random stream of its own, from the same logits. */
async function drawMany(
  engine: (typeof engines)[number],
  logits: Float32Array,
  choices: Partial<SamplingValues>,
  count: number,
): Promise<number[]> {
  const { row } = await runKernel(engine, sample, { B: count, S: 1, V: logits.length }, {
    logits: Float32Array.from({ length: count * logits.length }, (_, i) => logits[i % logits.length]!),
    row: new Uint32Array(count).fill(256),
    sequences: Uint32Array.from({ length: 4 * count }, (_, i) => [3, 0, 0, i >> 2][i % 4]!),
    sampling: encodeSampling(choices),
  });
  return Array.from(row!);
}

/**
 * How far u and top-p stand from the nearest boundary between two tokens. Closer than rounding, f32 and f64 may rightly
 * differ.
 */
function margin(logits: Float32Array, choices: SamplingValues, u: number): number {
  let least = 1;
  let cumulative = 0;
  for (const p of filteredProbabilities(logits, choices)) {
    cumulative += p;
    if (p > 0) least = Math.min(least, Math.abs(cumulative - u));
  }
  cumulative = 0;
  const ranked = filteredProbabilities(logits, { ...choices, topP: 1, temperature: 1 }).sort().reverse();
  for (const p of ranked) {
    if (p > 0 && choices.topP < 1) least = Math.min(least, Math.abs(cumulative - choices.topP));
    cumulative += p;
  }
  return least;
}

const choices: fc.Arbitrary<SamplingValues> = fc.record({
  topK: fc.constantFrom(0, 1, 2, 40, 256, 257, 1000),
  topP: fc.constantFrom(0.01, 0.5, 0.9, 0.99, 1),
  temperature: fc.constantFrom(0.005, 0.1, 0.7, 1, 1.3, 5),
  seed: fc.nat(),
  greedy: fc.boolean(),
  ignoreEnd: fc.boolean(),
});

engineTest(
  "the engine draws the tokens of the reference at any state and with any filters",
  async (engine) => {
    const shape = fc.record({
      B: fc.integer({ min: 1, max: 6 }),
      S: fc.constantFrom(1, 8, 16),
      V: fc.constantFrom(2, 15, 16, 17, 256, 257, 600),
    });
    const cases = fc.asyncProperty(shape, choices, fc.nat(), async ({ B, S, V }, choices, seed) => {
      const logits = randomFloats(B * V, seed, 1 + seed % 9);
      const sequences = Uint32Array.from({ length: 4 * B }, (_, i) => {
        const bound = [500, S + 1, 2, 2 ** 32][i % 4]!;
        return randomIntegers(1, seed + i, bound)[0]!;
      });
      const sampling = encodeSampling(choices);
      for (let b = 0; b < B; b++) {
        const [patchCount, byteCount, , stream] = sequences.subarray(4 * b);
        const u = randomUniform(patchCount! * S + byteCount!, stream!, choices.seed);
        fc.pre(margin(logits.subarray(b * V, (b + 1) * V), decodeSampling(sampling), u) > 1e-5);
      }
      // Of the bytes about one in eight was given.
      const row = randomIntegers(B * S, seed, 2048).map((byte) => Math.min(byte, 256));
      await compareWithReference(engine, sample, { B, S, V }, { logits, row, sequences, sampling });
    });
    await fc.assert(cases, { numRuns: 30 });
  },
);

anyThreadsTest(
  sample,
  [{ topK: 40, topP: 0.9, seed: 1 }, { temperature: 2, seed: 2 }].map((choices) => {
    const shape = { B: 9, S: 4, V: 257 };
    const sequences = Uint32Array.from({ length: 36 }, (_, i) => [3, i % 5, 0, i][i % 4]!);
    const logits = randomFloats(9 * 257, 6, 3);
    const row = new Uint32Array(36).fill(256);
    return [shape, { logits, row, sequences, sampling: encodeSampling(choices) }];
  }),
);

Deno.test("drawn tokens are as frequent as the filtered probabilities say", async () => {
  const logits = Float32Array.of(0.3, 2, -1, 1.5, 1.4, -0.2, 0.9, -3, 1.1, 0);
  const count = 4000;
  for (const engine of engines) {
    for (
      const filter of [plain, { ...plain, topK: 4 }, { ...plain, topP: 0.7 }, { ...plain, temperature: 2 }, {
        topK: 7,
        topP: 0.8,
        temperature: 0.6,
        ignoreEnd: true,
      }]
    ) {
      const counts = new Uint32Array(logits.length);
      for (const seed of [1, 2]) {
        for (const v of await drawMany(engine, logits, { ...filter, seed }, count)) counts[v]!++;
      }
      let chiSquare = 0;
      let freedom = -1;
      for (const [v, p] of filteredProbabilities(logits, filter).entries()) {
        const expected = 2 * count * p;
        if (p === 0) assertEquals(counts[v], 0, `token ${v} is filtered out`);
        else {
          chiSquare += (counts[v]! - expected) ** 2 / expected;
          freedom++;
        }
      }
      // Four standard deviations above the mean: 1 in 2,000 at most for honest draws, and the seeds are fixed.
      const limit = freedom + 4 * Math.sqrt(2 * freedom);
      assert(
        chiSquare < limit,
        `${engine.name} ${JSON.stringify(filter)}: chi-square ${chiSquare} of ${limit}`,
      );
    }
  }
});

Deno.test("greedy takes the most probable token, of equals the lowest, and top-k 1 is greedy", async () => {
  const logits = randomFloats(257, 5);
  for (const v of [256, 41, 255, 40]) logits[v] = 3;
  for (const engine of engines) {
    assertEquals(await drawOne(engine, logits, { greedy: true, temperature: 9, seed: 3 }), 40);
    for (const seed of [1, 2, 3]) {
      assertEquals(await drawOne(engine, logits, { topK: 1, temperature: 9, seed }), 40);
    }
  }
});

Deno.test("the end token is never drawn when it is ignored, and is drawn when it is not", async () => {
  const logits = new Float32Array(257).fill(-20);
  logits[256] = 30;
  logits[7] = 1;
  for (const engine of engines) {
    for (const filter of [{}, { greedy: true }, { topK: 1 }, { topP: 0.01 }]) {
      assertEquals(await drawOne(engine, logits, filter), 256);
      assertEquals(await drawOne(engine, logits, { ...filter, ignoreEnd: true }), 7);
    }
    const drawn = await drawMany(engine, logits, { ignoreEnd: true, temperature: 1000, topK: 257 }, 2000);
    assert(!drawn.includes(256) && new Set(drawn).size > 100);
  }
});

Deno.test("top-p keeps the token that crosses the threshold and drops those after it", () => {
  const logits = [0.5, 0.3, 0.15, 0.05].map(Math.log);
  const kept = (topP: number) =>
    filteredProbabilities(logits, { ...plain, topP }).filter((p) => p > 0).length;
  assertEquals([0.01, 0.49, 0.51, 0.79, 0.81, 0.96, 1].map(kept), [1, 1, 2, 2, 3, 4, 4]);
});

Deno.test("top-p counts what top-k has left", () => {
  // Of all four, 0.5 and 0.3 are needed to reach 0.6; of the first two alone, 0.5 / 0.8 = 0.625 is enough.
  const logits = [0.5, 0.3, 0.15, 0.05].map(Math.log);
  assertEquals([...filteredProbabilities(logits, { ...plain, topK: 2, topP: 0.6 })], [1, 0, 0, 0]);
});

Deno.test("temperature comes after top-p, so it does not change which tokens are kept", () => {
  const probabilities = [0.5, 0.3, 0.15, 0.05];
  const logits = probabilities.map(Math.log);
  const filtered = filteredProbabilities(logits, { ...plain, topP: 0.75, temperature: 2 });
  const [a, b] = [Math.sqrt(0.5), Math.sqrt(0.3)];
  const tolerance = { absolute: 1e-12, relative: 0 };
  assertClose(filtered, [a / (a + b), b / (a + b), 0, 0], tolerance, "after top-p");
  // Softmax with temperature 2 would flatten first, and then keep three.
  const flattened = filteredProbabilities(logits.map((l) => l / 2), { ...plain, topP: 0.75 });
  assertEquals(flattened.filter((p) => p > 0).length, 3);
});

Deno.test("at a temperature so low that every probability's power is 0, those left are still probabilities", () => {
  const logits = Float64Array.from(randomFloats(257, 6));
  const largest = Math.max(...logits);
  const powers = logits.map((logit) => Math.exp((logit - largest) / 0.005));
  const total = powers.reduce((sum, power) => sum + power);
  const filtered = filteredProbabilities(logits, { ...plain, temperature: 0.005 });
  assertClose(filtered, powers.map((power) => power / total), { absolute: 1e-12, relative: 0 }, "filtered");
});

Deno.test("finished sequences and full patches are left as they are", async () => {
  const S = 2;
  const row = Uint32Array.of(1, 256, 3, 4, 5, 256);
  const sequences = Uint32Array.of(2, 1, 1, 0, 2, 2, 0, 1, 2, 1, 0, 2);
  for (const engine of engines) {
    const after = await runKernel(engine, sample, { B: 3, S, V: 257 }, {
      logits: randomFloats(3 * 257, 2),
      row,
      sequences,
      sampling: encodeSampling({ ignoreEnd: true }),
    });
    assertEquals(after.row!.slice(0, 5), row.slice(0, 5));
    assertEquals(after.sequences!.slice(0, 8), sequences.slice(0, 8));
    assert(after.row![5]! < 256);
    assertEquals([...after.sequences!.slice(8)], [2, 2, 0, 2]);
  }
});

Deno.test("a byte that stands in the row already is kept", async () => {
  for (const engine of engines) {
    const after = await runKernel(engine, sample, { B: 2, S: 3, V: 3 }, {
      logits: Float32Array.of(0, 90, 0, 0, 90, 0),
      row: Uint32Array.of(0, 256, 256, 9, 9, 256),
      sequences: Uint32Array.of(4, 0, 0, 8, 4, 1, 0, 9),
      sampling: encodeSampling({ greedy: true }),
    });
    assertEquals([...after.row!], [0, 256, 256, 9, 9, 256]);
    assertEquals([...after.sequences!], [4, 1, 0, 8, 4, 2, 0, 9]);
  }
});

Deno.test("the end token finishes its sequence", async () => {
  const logits = Float32Array.of(0, 0, 90);
  for (const engine of engines) {
    const after = await runKernel(engine, sample, { B: 1, S: 1, V: 3 }, {
      logits,
      row: Uint32Array.of(256),
      sequences: Uint32Array.of(4, 0, 0, 9),
      sampling: encodeSampling({}),
    });
    assertEquals([...after.row!, ...after.sequences!], [2, 4, 1, 1, 9]);
  }
});

Deno.test("what a sequence draws depends on its stream and position, not on its slot or the batch", async () => {
  const [S, V, B] = [4, 257, 5];
  const logits = randomFloats(V, 3);
  const state = [6, 2, 0, 77];
  for (const engine of engines) {
    const drawn: number[] = [];
    for (const slot of [0, 3]) {
      const all = randomFloats(B * V, 4);
      all.set(logits, slot * V);
      const sequences = Uint32Array.from({ length: 4 * B }, (_, i) => [1, 1, 0, i][i % 4]!);
      sequences.set(state, 4 * slot);
      const row = new Uint32Array(B * S).fill(256);
      const inputs = { logits: all, row, sequences, sampling: encodeSampling({ seed: 5 }) };
      drawn.push((await runKernel(engine, sample, { B, S, V }, inputs)).row![slot * S + 2]!);
    }
    const alone = await runKernel(engine, sample, { B: 1, S, V }, {
      logits,
      row: new Uint32Array(S).fill(256),
      sequences: Uint32Array.from(state),
      sampling: encodeSampling({ seed: 5 }),
    });
    assertEquals(drawn, [alone.row![2], alone.row![2]]);
    const elsewhere = await Promise.all(
      [[6, 77], [7, 77], [8, 77], [6, 78], [6, 79]].map(([patchCount, stream]) =>
        drawOne(engine, logits, { seed: 5 }, [patchCount!, 0, 0, stream!])
      ),
    );
    assert(new Set(elsewhere).size > 1, "other positions and streams draw other tokens");
  }
});

Deno.test("choices that cannot be sampled with are refused, naming what they must be", () => {
  for (
    const [values, message] of [
      [{ topK: 1.5 }, "top-k 1.5"],
      [{ topK: -1 }, "top-k -1"],
      [{ topP: 0 }, "top-p 0"],
      [{ topP: 1.1 }, "top-p 1.1"],
      [{ topP: NaN }, "top-p NaN"],
      [{ temperature: 0 }, "temperature 0"],
      [{ temperature: 1e-60 }, "temperature 1e-60"],
      [{ temperature: Infinity }, "temperature Infinity"],
    ] as const
  ) {
    assertThrows(() => encodeSampling(values), RangeError, message);
  }
});

Deno.test("the choices of a draw survive their encoding", () => {
  fc.assert(fc.property(choices, (choices) => {
    const rounded = {
      ...choices,
      topP: Math.fround(choices.topP),
      temperature: Math.fround(choices.temperature),
    };
    assertEquals(decodeSampling(encodeSampling(choices)), rounded);
  }));
});

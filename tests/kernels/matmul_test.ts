import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "../fast_check.ts";
import {
  CpuEngine,
  type Kernel,
  matmul,
  matmulDispatch,
  type MatmulEpilogue,
  type MatmulOperand,
  type MatmulShape,
  matmulSource,
  type MatmulTile,
  matmulTile,
  matmulTiles,
  partTerms,
  ReferenceEngine,
  splitsOf,
  sumParts,
} from "@bgpt/kernels";
import { engineTest } from "../engines.ts";
import { gpuTest } from "../gpu.ts";
import { anyThreadsTest } from "./any_threads.ts";
import { assertClose, compareWithReference, randomFloats, runKernel, type Values } from "./compare.ts";

const layouts = ["NN", "NT", "TN"] as const;
const epilogues = ["none", "bias", "biasGelu", "biasResidual", "geluGradient", "accumulate"] as const;
const variants: [MatmulShape["layout"], MatmulEpilogue][] = [
  ...layouts.flatMap((layout) =>
    epilogues.map((epilogue) => [layout, epilogue] as [typeof layout, MatmulEpilogue])
  ),
  ["TN", "accumulateBias"],
];
const size = fc.oneof(
  fc.constantFrom(1, 3, 4, 15, 16, 17, 31, 32, 33, 64, 257),
  fc.integer({ min: 1, max: 100 }),
);

/** Values for every operand that the kernel reads. */
function inputsOf(shape: MatmulShape, seed: number): Values {
  const operands = Object.entries(matmul.operands(shape)).filter(([, { access }]) => access !== "write");
  return Object.fromEntries(operands.map(([name, { length }], i) => [name, randomFloats(length, seed + i)]));
}

/** Compiles quickly on a software adapter, and small matrices already have many of it. */
const smallTile: MatmulTile = { rows: 16, columns: 16, depth: 8, threadRows: 4, threadColumns: 4 };

/** The kernel with a tile of our choice. */
function withTile(tile: MatmulTile): Kernel<MatmulShape, MatmulOperand> {
  return { ...matmul, dispatches: (shape) => [matmulDispatch(shape, tile)] };
}

engineTest("every layout with every epilogue agrees with the reference at awkward sizes", async (engine) => {
  for (const [i, [layout, epilogue]] of variants.entries()) {
    // Alternating between layouts too, so that every epilogue meets rows of four and other rows.
    const odd = (i + layouts.indexOf(layout)) % 2 === 1;
    const shape = { layout, ...(odd ? { M: 17, N: 33, K: 19 } : { M: 20, N: 36, K: 40 }), epilogue };
    await compareWithReference(engine, withTile(smallTile), shape, inputsOf(shape, i));
  }
});

engineTest("matmul agrees with the reference at random sizes", async (engine) => {
  const cases = fc.asyncProperty(
    fc.constantFrom(...variants),
    fc.record({ M: size, N: size, K: size }),
    fc.nat(),
    async ([layout, epilogue], sizes, seed) => {
      const shape = { layout, ...sizes, epilogue };
      await compareWithReference(engine, withTile(smallTile), shape, inputsOf(shape, seed));
    },
  );
  await fc.assert(cases, { numRuns: 20 });
});

gpuTest("parts of the terms add up to the product, with the bits that every tile gives", async (engine) => {
  const inSplits = (splits: number, tile: MatmulTile): Kernel<MatmulShape, MatmulOperand> => ({
    ...matmul,
    dispatches: (shape) => [matmulDispatch(shape, tile, splits), sumParts(shape, splits)],
  });
  for (const [i, epilogue] of (["accumulate", "accumulateBias", "none", "biasGelu"] as const).entries()) {
    for (const [N, splits, K] of [[36, 3, 150], [33, 2, 128], [36, 2, 90]] as const) {
      const shape: MatmulShape = { layout: "TN", M: 17, N, K, epilogue };
      await compareWithReference(engine, inSplits(splits, smallTile), shape, inputsOf(shape, i));
    }
  }
  const shape: MatmulShape = { layout: "TN", M: 40, N: 36, K: 170, epilogue: "accumulateBias" };
  const inputs = inputsOf(shape, 4);
  const bits = await runKernel(engine, inSplits(3, smallTile), shape, inputs);
  const other: MatmulTile = { rows: 32, columns: 32, depth: 16, threadRows: 4, threadColumns: 4 };
  assertEquals((await runKernel(engine, inSplits(3, other), shape, inputs)).out, bits.out);
});

gpuTest("a long sum over rows is divided by itself, and keeps more digits for it", async (engine) => {
  const shape: MatmulShape = { layout: "TN", M: 20, N: 36, K: 4000, epilogue: "accumulateBias" };
  assertEquals(matmul.dispatches(shape).length, 2);
  await compareWithReference(engine, matmul, shape, inputsOf(shape, 5));
});

Deno.test("only long sums over rows with few outputs are divided, into parts that are not empty", () => {
  const shape: MatmulShape = { layout: "TN", M: 768, N: 768, K: 8192, epilogue: "accumulate" };
  assertEquals(splitsOf(shape), 4);
  assertEquals(splitsOf({ ...shape, M: 128, N: 512, K: 4096 }), 8);
  for (const whole of [{ N: 3072 }, { K: 1023 }, { layout: "NN" as const }]) {
    assertEquals(splitsOf({ ...shape, ...whole }), 1);
  }
  for (let K = 1; K < 70_000; K += 997) {
    for (const M of [1, 200, 700]) {
      const splits = splitsOf({ ...shape, M, K });
      const terms = partTerms(K, splits);
      assert((splits - 1) * terms < K && K <= splits * terms && terms % 64 === 0, `${splits} parts of ${K}`);
    }
  }
});

gpuTest(
  "every tile agrees with the reference, and gives the bits that every other gives",
  async (engine) => {
    const shapes: MatmulShape[] = [
      { layout: "NT", M: 128, N: 128, K: 48, epilogue: "biasGelu" },
      { layout: "TN", M: 137, N: 69, K: 83, epilogue: "accumulateBias" },
    ];
    for (const shape of shapes) {
      const inputs = inputsOf(shape, 5);
      const expected = await runKernel(new ReferenceEngine(), matmul, shape, inputs);
      const first = await runKernel(engine, matmul, shape, inputs);
      for (const tile of matmulTiles) {
        const actual = await runKernel(engine, withTile(tile), shape, inputs);
        for (const [name, values] of Object.entries(expected)) {
          assertClose(actual[name]!, values, matmul.tolerance, `${name} with ${JSON.stringify(tile)}`);
        }
        assertEquals(actual.out, first.out);
      }
    }
  },
);

engineTest(
  "blocks of rows, columns and terms meet without a gap, also where the last of each is short",
  async (engine) => {
    const sizes = [[203, 1035, 40], [7, 9, 575], [6, 8, 576], [101, 513, 260], [5, 1, 1100]] as const;
    for (const layout of layouts) {
      const epilogue = layout === "TN" ? "accumulateBias" : layout === "NT" ? "geluGradient" : "biasGelu";
      for (const [M, N, K] of sizes) {
        const shape = { layout, M, N, K, epilogue } as const;
        await compareWithReference(engine, withTile(smallTile), shape, inputsOf(shape, K));
      }
    }
  },
);

engineTest(
  "a row's result is the same bits wherever it stands and whatever stands around it",
  async (engine) => {
    const [M, N, K] = [37, 43, 600];
    const kernel = withTile(smallTile);
    for (const layout of ["NN", "NT"] as const) {
      for (const epilogue of ["biasGelu", "biasResidual", "geluGradient"] as const) {
        const shape = { layout, M, N, K, epilogue };
        const inputs = inputsOf(shape, 9);
        const all = await runKernel(engine, kernel, shape, inputs);
        for (const row of [0, 4, 5, 36]) {
          const one = { ...shape, M: 1 };
          const rowInputs = Object.fromEntries(
            Object.entries(inputs).map(([name, values]) => {
              const width = values.length / M;
              return [
                name,
                name === "b" || name === "bias" ? values : values.slice(row * width, (row + 1) * width),
              ];
            }),
          );
          const alone = await runKernel(engine, kernel, one, rowInputs);
          for (const [name, values] of Object.entries(alone)) {
            assertEquals(
              values,
              all[name]!.slice(row * N, (row + 1) * N),
              `${layout} ${epilogue} row ${row}`,
            );
          }
        }
      }
    }
  },
);

Deno.test({
  name: "a row has the same bits on its own, among few rows and among many, in both builds of the cpu engine",
  // Workers end some time after they are told to.
  sanitizeResources: false,
  sanitizeOps: false,
  fn: async () => {
    const rowsOf = (values: Float32Array, M: number, first: number, count: number) =>
      values.slice(first * values.length / M, (first + count) * values.length / M);
    for (const strict of [false, true]) {
      for (const threads of [1, 2, 3]) {
        const engine = await CpuEngine.create({ threads, strict });
        for (const layout of ["NN", "NT"] as const) {
          // One block of terms, which divides by 8, and two that do not; tiles that are full and that are not.
          for (const [N, K] of [[48, 256], [67, 597], [1050, 11], [5, 3]] as const) {
            for (const epilogue of epilogues) {
              const shape = { layout, M: 64, N, K, epilogue };
              const inputs = inputsOf(shape, K);
              const all = await runKernel(engine, matmul, shape, inputs);
              for (
                const [first, M] of [[0, 1], [63, 1], [6, 2], [9, 3], [30, 5], [17, 8], [40, 10], [
                  3,
                  16,
                ]] as const
              ) {
                const some = Object.fromEntries(
                  Object.entries(inputs).map(([name, values]) => [
                    name,
                    name === "b" || name === "bias" ? values : rowsOf(values as Float32Array, 64, first, M),
                  ]),
                );
                const results = await runKernel(engine, matmul, { ...shape, M }, some);
                for (const [name, values] of Object.entries(results)) {
                  assertEquals(
                    new Uint32Array(values.buffer),
                    new Uint32Array(rowsOf(all[name] as Float32Array, 64, first, M).buffer),
                    `${name} of ${
                      JSON.stringify(shape)
                    }, ${M} rows from ${first}, ${threads} threads, strict ${strict}`,
                  );
                }
              }
            }
          }
        }
        engine.destroy();
      }
    }
  },
});

anyThreadsTest(
  matmul,
  [[58, 67, 590], [2, 67, 590], [7, 43, 590]].flatMap(([M, N, K]) =>
    variants.map(([layout, epilogue]) => {
      const shape = { layout, M: M!, N: N!, K: K!, epilogue };
      return [shape, inputsOf(shape, 4)] as const;
    })
  ),
);

gpuTest("more workgroups than one dimension holds compute every row once", async (engine) => {
  const shape: MatmulShape = { layout: "TN", M: 65536 * 16 + 5, N: 1, K: 1, epilogue: "accumulate" };
  assertEquals(matmulDispatch(shape, smallTile).workgroups, [65535, 2, 1]);
  await compareWithReference(engine, withTile(smallTile), shape, inputsOf(shape, 3));
});

Deno.test("the reference is the sum over k in every layout, also where blocks end", () => {
  for (const layout of layouts) {
    for (const [M, N, K] of [[1, 1, 1], [3, 5, 7], [2, 517, 70], [5, 37, 131]] as const) {
      const a = Float64Array.from(randomFloats(M * K, 1));
      const b = Float64Array.from(randomFloats(K * N, 2));
      const out = new Float64Array(M * N).fill(NaN);
      matmul.reference({ layout, M, N, K, epilogue: "none" }, { a, b, out } as never);
      const expected = Float64Array.from({ length: M * N }, (_, i) => {
        const [m, n] = [Math.floor(i / N), i % N];
        let sum = 0;
        for (let k = 0; k < K; k++) {
          sum += a[layout === "TN" ? k * M + m : m * K + k]! * b[layout === "NT" ? n * K + k : k * N + n]!;
        }
        return sum;
      });
      assertClose(out, expected, { absolute: 1e-12, relative: 0 }, `${layout} ${M}x${N}x${K}`);
    }
  }
});

Deno.test("the gradients of two layers with gelu between are their central differences", () => {
  const [R, C, inner] = [5, 6, 7];
  const floats = (length: number, seed: number) => Float64Array.from(randomFloats(length, seed));
  const run = (
    layout: MatmulShape["layout"],
    [M, N, K]: number[],
    epilogue: MatmulEpilogue,
    operands: object,
  ) => matmul.reference({ layout, M: M!, N: N!, K: K!, epilogue }, operands as never);
  const [x, weight1, bias1] = [floats(R * C, 1), floats(C * inner, 2), floats(inner, 3)];
  const [weight2, bias2, residual] = [floats(inner * C, 4), floats(C, 5), floats(R * C, 6)];
  const dY = floats(R * C, 7);
  const pre = new Float64Array(R * inner);
  const hidden = new Float64Array(R * inner);
  const loss = (): number => {
    const y = new Float64Array(R * C);
    run("NN", [R, inner, C], "biasGelu", { a: x, b: weight1, bias: bias1, pre, out: hidden });
    run("NN", [R, C, inner], "biasResidual", { a: hidden, b: weight2, bias: bias2, residual, out: y });
    return y.reduce((sum, value, i) => sum + value * dY[i]!, 0);
  };
  loss();
  const dPre = new Float64Array(R * inner);
  const dX = new Float64Array(R * C);
  const [dWeight1, dBias1] = [new Float64Array(C * inner), new Float64Array(inner)];
  const [dWeight2, dBias2] = [new Float64Array(inner * C), new Float64Array(C)];
  run("TN", [inner, C, R], "accumulateBias", { a: hidden, b: dY, out: dWeight2, dBias: dBias2 });
  run("NT", [R, inner, C], "geluGradient", { a: dY, b: weight2, pre, out: dPre });
  run("TN", [C, inner, R], "accumulateBias", { a: x, b: dPre, out: dWeight1, dBias: dBias1 });
  run("NT", [R, C, inner], "none", { a: dPre, b: weight1, out: dX });

  const cases: [string, Float64Array, Float64Array][] = [
    ["dX", x, dX],
    ["dWeight1", weight1, dWeight1],
    ["dBias1", bias1, dBias1],
    ["dWeight2", weight2, dWeight2],
    ["dBias2", bias2, dBias2],
  ];
  for (const [name, values, gradient] of cases) {
    const differences = Float64Array.from(values, (kept, i) => {
      const delta = 1e-5;
      values[i] = kept + delta;
      const above = loss();
      values[i] = kept - delta;
      const below = loss();
      values[i] = kept;
      return (above - below) / (2 * delta);
    });
    assertClose(gradient, differences, { absolute: 0, relative: 1e-7 }, name);
  }
});

Deno.test("weight gradients accumulate", () => {
  const shape: MatmulShape = { layout: "TN", M: 2, N: 1, K: 1, epilogue: "accumulateBias" };
  const operands = { a: [2, 3], b: [5], out: [100, 200], dBias: [7] };
  const t = Object.fromEntries(
    Object.entries(operands).map(([name, values]) => [name, Float64Array.from(values)]),
  );
  matmul.reference(shape, t as never);
  assertEquals([[...t.out!], [...t.dBias!]], [[110, 215], [12]]);
});

Deno.test("large outputs get large tiles, small ones smaller tiles", () => {
  assertEquals(matmulTile(131072, 3072), matmulTiles[0]);
  assertEquals(matmulTile(17, 128), matmulTiles.at(-1));
});

Deno.test("impossible tiles and epilogues are refused", () => {
  const shape: MatmulShape = { layout: "NN", M: 1, N: 1, K: 1, epilogue: "none" };
  const tile = { rows: 128, columns: 128, depth: 32, threadRows: 8, threadColumns: 8 };
  assertThrows(() => matmulSource(shape, tile), RangeError, "16 KiB");
  assertThrows(() => matmulSource(shape, { ...tile, depth: 16, threadRows: 4 }), RangeError, "256 threads");
  assertThrows(() => matmul.operands({ ...shape, epilogue: "accumulateBias" }), RangeError, "layout TN");
});

import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "../fast_check.ts";
import {
  GpuEngine,
  isDirect,
  type Kernel,
  matmul,
  type MatmulEpilogue,
  type MatmulOperand,
  type MatmulShape,
  PlanBuilder,
  ReferenceEngine,
  type SubgroupMatrix,
  subgroupMatrixDispatch,
  subgroupMatrixSource,
  subgroupMatrixTolerance,
  type SubgroupTile,
  subgroupTiles,
  sumParts,
} from "@bgpt/kernels";
import { dawn, dawnTest } from "../dawn.ts";
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
  fc.constantFrom(1, 7, 8, 9, 15, 16, 17, 32, 33, 64, 257),
  fc.integer({ min: 1, max: 80 }),
);

/** The smallest there is: lavapipe compiles seconds for every unit, and small matrices have many tiles. */
function smallTile({ M, N, K }: SubgroupMatrix): SubgroupTile {
  return { rows: 2 * M, columns: N, depth: K, subgroupsDown: 2, subgroupsAcross: 1 };
}

/** Registers a test that needs the matrices of a subgroup. */
function matrixTest(name: string, run: (engine: GpuEngine, matrix: SubgroupMatrix) => Promise<void>): void {
  const matrix = typeof dawn === "string" ? undefined : dawn.gpu.subgroupMatrix;
  if (typeof dawn === "string" || matrix !== undefined) dawnTest(name, (engine) => run(engine, matrix!));
  else {Deno.test({
      name: `${name} (needs tensor cores, or lavapipe of Mesa 26)`,
      ignore: true,
      fn: () => {},
    });}
}

/** Values that f16 holds exactly, for every operand that the kernel reads. */
function halvesOf(shape: MatmulShape, seed: number): Values {
  const inputs = floatsOf(shape, seed);
  for (const values of Object.values(inputs)) {
    values.set(values.map((value) => Math.round(value * 1024) / 1024));
  }
  return inputs;
}

/** Values for every operand that the kernel reads. */
function floatsOf(shape: MatmulShape, seed: number): Values {
  const operands = Object.entries(matmul.operands(shape)).filter(([, { access }]) => access !== "write");
  return Object.fromEntries(operands.map(([name, { length }], i) => [name, randomFloats(length, seed + i)]));
}

/** The kernel on tensor cores with a tile of our choice. */
function withTile(tile: SubgroupTile, matrix: SubgroupMatrix): Kernel<MatmulShape, MatmulOperand> {
  return { ...matmul, dispatches: (shape) => [subgroupMatrixDispatch(shape, tile, matrix)] };
}

matrixTest(
  "on tensor cores every layout with every epilogue is exact to f32 where f16 holds the operands",
  async (engine, matrix) => {
    for (const [i, [layout, epilogue]] of variants.entries()) {
      // Alternating between layouts too, so that every epilogue meets rows of four and other rows.
      const odd = (i + layouts.indexOf(layout)) % 2 === 1;
      const shape = { layout, ...(odd ? { M: 37, N: 33, K: 19 } : { M: 64, N: 36, K: 40 }), epilogue };
      await compareWithReference(engine, withTile(smallTile(matrix), matrix), shape, halvesOf(shape, i));
    }
  },
);

matrixTest("on tensor cores a product agrees with the reference at random sizes", async (engine, matrix) => {
  const cases = fc.asyncProperty(
    fc.constantFrom(...variants),
    fc.record({ M: size, N: size, K: size }),
    fc.nat(),
    async ([layout, epilogue], sizes, seed) => {
      const shape = { layout, ...sizes, epilogue };
      await compareWithReference(engine, withTile(smallTile(matrix), matrix), shape, halvesOf(shape, seed));
    },
  );
  await fc.assert(cases, { numRuns: 12 });
});

matrixTest(
  "subgroups beside each other, and several units for a subgroup, meet without a gap",
  async (engine, matrix) => {
    const shape: MatmulShape = { layout: "TN", M: 69, N: 66, K: 35, epilogue: "accumulateBias" };
    const { M, N, K } = matrix;
    const wide: SubgroupTile = {
      ...{ rows: 4 * M, columns: 4 * N, depth: K },
      subgroupsDown: 2,
      subgroupsAcross: 4,
    };
    for (const tile of [wide, subgroupTiles.at(-1)!]) {
      await compareWithReference(engine, withTile(tile, matrix), shape, halvesOf(shape, 5));
    }
  },
);

matrixTest("on tensor cores parts of the terms add up to the product", async (engine, matrix) => {
  for (const [i, [N, splits, K]] of ([[36, 3, 150], [33, 2, 100]] as const).entries()) {
    const shape: MatmulShape = { layout: "TN", M: 37, N, K, epilogue: "accumulateBias" };
    const inParts: Kernel<MatmulShape, MatmulOperand> = {
      ...matmul,
      dispatches:
        () => [subgroupMatrixDispatch(shape, smallTile(matrix), matrix, splits), sumParts(shape, splits)],
    };
    await compareWithReference(engine, inParts, shape, halvesOf(shape, i));
  }
});

/** A product whose operands lie in f16, as they do in training. */
async function halfProduct(
  engine: GpuEngine,
  shape: MatmulShape,
  matrix: SubgroupMatrix,
  tile: SubgroupTile,
): Promise<Float32Array> {
  const kernel: Kernel<MatmulShape, MatmulOperand> = {
    ...matmul,
    dispatches(given, { halves } = {}) {
      assertEquals([...halves!], ["a", "b"]);
      assert(isDirect(given, tile, halves!));
      return [subgroupMatrixDispatch(given, tile, matrix)];
    },
  };
  const inputs = halvesOf(shape, 9);
  const builder = new PlanBuilder();
  builder.program("test");
  const operands = Object.entries(matmul.operands(shape)).map(([name, { length }]) => {
    const role = name === "a" || name === "b" ? "parameter" : "output"; // Parameters are read in f16.
    return [name, builder.tensor(name, [length], role)] as const;
  });
  builder.call(kernel, shape, Object.fromEntries(operands), "test");
  const execution = await new GpuEngine(engine.gpu, { precision: "mixed" }).prepare(builder.build());
  for (const [name, tensor] of operands) if (inputs[name]) execution.write(tensor, inputs[name]);
  execution.run("test");
  const out = await execution.readFloats(execution.plan.tensors.get("out")!);
  execution.destroy();
  return out;
}

matrixTest(
  "units straight from storage give the bits of those through workgroup memory",
  async (engine, matrix) => {
    const { N, K } = matrix;
    const staged = { ...smallTile(matrix), columns: 2 * N, depth: 2 * K, subgroupsAcross: 2 };
    for (const [layout, epilogue] of [["NN", "biasGelu"], ["NT", "none"], ["TN", "accumulate"]] as const) {
      const shape: MatmulShape = { layout, M: 32, N: 64, K: 64, epilogue };
      const expected = (await runKernel(new ReferenceEngine(), matmul, shape, halvesOf(shape, 9))).out!;
      const direct = await halfProduct(engine, shape, matrix, { ...staged, direct: true });
      assertClose(direct, expected, subgroupMatrixTolerance(shape.K), layout);
      assertEquals(await halfProduct(engine, shape, matrix, staged), direct, layout);
    }
  },
);

Deno.test("units come straight from storage only where they are f16 and none is beyond an operand", () => {
  const tile = subgroupTiles[1]!;
  const shape: MatmulShape = { layout: "NN", M: 128, N: 64, K: 96, epilogue: "bias" };
  const halves = new Set(["a", "b", "out"]);
  assert(isDirect(shape, tile, halves));
  for (const other of [{ M: 130 }, { N: 257 }, { K: 100 }, { epilogue: "accumulateBias" as const }]) {
    assert(!isDirect({ ...shape, ...other }, tile, halves));
  }
  assert(!isDirect(shape, tile, new Set(["a", "out"])));
});

matrixTest("every tile compiles for every layout", async (engine, matrix) => {
  // Lavapipe would run the largest after minutes of compilation, so they are only validated here.
  for (const tile of subgroupTiles) {
    for (const layout of layouts) {
      const epilogue = layout === "TN" ? "accumulateBias" : "biasGelu";
      const shape: MatmulShape = { layout, M: 1000, N: 257, K: 100, epilogue };
      const builder = new PlanBuilder();
      builder.program("test");
      const operands = Object.entries(matmul.operands(shape));
      const tensors = operands.map(([name, { length }]) => [name, builder.tensor(name, [length], "output")]);
      builder.call(withTile(tile, matrix), shape, Object.fromEntries(tensors), "test");
      (await engine.prepare(builder.build())).destroy();
    }
  }
});

matrixTest(
  "mixed precision multiplies on tensor cores, to what f16 keeps of the operands, and f32 does not",
  async ({ gpu }) => {
    const shape: MatmulShape = { layout: "NT", M: 65, N: 66, K: 256, epilogue: "bias" };
    const inputs = floatsOf(shape, 7);
    const expected = await runKernel(new ReferenceEngine(), matmul, shape, inputs);
    const mixed = await runKernel(new GpuEngine(gpu, { precision: "mixed" }), matmul, shape, inputs);
    assertClose(mixed.out!, expected.out!, subgroupMatrixTolerance(shape.K), "mixed");
    assertThrows(() => assertClose(mixed.out!, expected.out!, matmul.tolerance, "mixed"), Error, "expected");
    await compareWithReference(new GpuEngine(gpu), matmul, shape, inputs);
  },
);

Deno.test("tiles that the units of the device do not divide are refused", () => {
  const shape: MatmulShape = { layout: "NN", M: 1, N: 1, K: 1, epilogue: "none" };
  const matrix = { M: 16, N: 16, K: 16, lanes: 32 };
  assertThrows(
    () => subgroupMatrixSource(shape, smallTile(matrix), { ...matrix, K: 32 }),
    RangeError,
    "units divide",
  );
  assertThrows(
    () => subgroupMatrixSource(shape, subgroupTiles[0]!, { ...matrix, lanes: 64 }),
    RangeError,
    "256 threads",
  );
});

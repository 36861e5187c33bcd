import { assertEquals } from "@std/assert";
import fc from "../fast_check.ts";
import { matmul, packedProduct, type PackedProductShape, packPanels } from "@bgpt/kernels";
import { cpu, engineTest, strictCpu } from "../engines.ts";
import { anyThreadsTest } from "./any_threads.ts";
import { compareWithReference, randomFloats, runKernel, type Values } from "./compare.ts";

const epilogues = ["none", "bias", "biasGelu", "biasResidual"] as const;

/** Operands of a product that do not depend on how b lies. */
function otherInputs({ M, N, K, epilogue }: PackedProductShape, seed: number): Values {
  return {
    a: randomFloats(M * K, seed),
    ...(epilogue !== "none" ? { bias: randomFloats(N, seed + 1) } : {}),
    ...(epilogue === "biasResidual" ? { residual: randomFloats(M * N, seed + 2) } : {}),
  };
}

engineTest("matrices are packed, and rows multiplied with them, as on the reference", async (engine) => {
  const M = fc.constantFrom(1, 2, 5);
  const size = fc.constantFrom(1, 3, 15, 16, 17, 31, 32, 33, 64, 257);
  const K = fc.constantFrom(1, 3, 16, 31, 65, 257, 700);
  const layout = fc.constantFrom("NN", "NT");
  const epilogue = fc.constantFrom(...epilogues);
  const cases = fc.asyncProperty(
    M,
    size,
    K,
    layout,
    epilogue,
    fc.nat(),
    async (M, N, K, layout, epilogue, seed) => {
      const b = randomFloats(N * K, seed + 3);
      await compareWithReference(engine, packPanels, { layout, N, K }, { b });
      const { panels } = await runKernel(engine, packPanels, { layout, N, K }, { b });
      const shape = { M, N, K, epilogue };
      await compareWithReference(engine, packedProduct, shape, {
        ...otherInputs(shape, seed),
        panels: panels!,
      });
    },
  );
  await fc.assert(cases, { numRuns: 25 });
});

for (const engine of [cpu, strictCpu]) {
  Deno.test({
    name: `${
      engine === strictCpu ? "strict cpu" : "cpu"
    }: a packed matrix gives the bits of the matrix as it lies`,
    // The engines outlive each test on purpose.
    sanitizeResources: false,
    sanitizeOps: false,
    fn: async () => {
      for (const layout of ["NN", "NT"] as const) {
        for (const epilogue of epilogues) {
          for (const [M, N, K] of [[1, 257, 256], [1, 96, 1024], [3, 67, 577], [7, 40, 5]] as const) {
            const b = randomFloats(N * K, 4);
            const others = otherInputs({ M, N, K, epilogue }, 1);
            const { panels } = await runKernel(engine, packPanels, { layout, N, K }, { b });
            const packed = await runKernel(engine, packedProduct, { M, N, K, epilogue }, {
              ...others,
              panels: panels!,
            });
            const plain = await runKernel(engine, matmul, { layout, M, N, K, epilogue }, { ...others, b });
            assertEquals(packed.out, plain.out, `${layout} ${epilogue} ${M} x ${N} x ${K}`);
          }
        }
      }
    },
  });
}

const shape = { M: 2, N: 257, K: 700, epilogue: "biasGelu" } as const;
const panels = randomFloats(9 * 32 * 700, 7);
anyThreadsTest(packedProduct, [[shape, { ...otherInputs(shape, 6), panels }]]);
anyThreadsTest(packPanels, [[{ layout: "NT", N: 257, K: 33 }, { b: randomFloats(257 * 33, 8) }]]);

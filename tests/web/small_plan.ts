/** A small plan on the cpu engine, as a module that runs in Deno and in a page alike. */
import { CpuEngine } from "@bgpt/bgpt";
import { layerNorm, matmul, PlanBuilder, randomUniform } from "@bgpt/kernels";

const [R, C] = [96, 64];

/** A layer norm and an expansion with GELU on two threads, by the strict build. @returns the bits of its numbers */
export async function runSmallPlan(): Promise<number[]> {
  const builder = new PlanBuilder();
  const x = builder.tensor("x", [R, C], "input");
  const weight = builder.tensor("weight", [C], "input");
  const bias = builder.tensor("bias", [C], "input");
  const y = builder.tensor("y", [R, C]);
  const mean = builder.tensor("mean", [R]);
  const rstd = builder.tensor("rstd", [R]);
  const b = builder.tensor("b", [C, 4 * C], "input");
  const expandBias = builder.tensor("expandBias", [4 * C], "input");
  const pre = builder.tensor("pre", [R, 4 * C]);
  const out = builder.tensor("out", [R, 4 * C], "output");
  builder.program("run");
  builder.call(layerNorm, { R, C }, { x, weight, bias, y, mean, rstd }, "norm");
  const shape = { layout: "NN", M: R, N: 4 * C, K: C, epilogue: "biasGelu" } as const;
  builder.call(matmul, shape, { a: y, b, bias: expandBias, pre, out }, "expand");

  const engine = await CpuEngine.create({ threads: 2, strict: true });
  try {
    const execution = await engine.prepare(builder.build());
    for (const [seed, tensor] of [x, weight, bias, b, expandBias].entries()) {
      execution.write(
        tensor,
        Float32Array.from({ length: tensor.length }, (_, i) => randomUniform(i, 0, seed)),
      );
    }
    execution.run("run");
    return [...new Uint32Array((await execution.readFloats(out)).buffer)];
  } finally {
    engine.destroy();
  }
}

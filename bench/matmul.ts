/**
 * Times matrix products on the WebGPU adapter, each with every candidate tile; the default tile is marked with `*`.
 *
 *     deno task bench matmul [--json] [--large] [FILTER]
 *
 * `--large` adds 4096³ and the shapes of the `base` preset, which take minutes on a software adapter. FILTER keeps the
 * cases whose name contains it.
 */
import {
  clear,
  GpuEngine,
  type Kernel,
  matmul,
  matmulDispatch,
  type MatmulOperand,
  type MatmulShape,
  type MatmulTile,
  matmulTile,
  matmulTiles,
  openDevice,
  PlanBuilder,
  type Tensor,
} from "@bgpt/kernels";
import { webGpuAdapter } from "../cli/webgpu_provider.ts";
import { jsonOption } from "../cli/options.ts";
import { parseCommandLine } from "../cli/parse.ts";
import type { Print } from "./records.ts";

/** One thing to time. */
interface Case {
  readonly name: string;
  readonly shape: MatmulShape;
}

function squareCase(size: number): Case {
  return { name: `square ${size}`, shape: { layout: "NN", M: size, N: size, K: size, epilogue: "none" } };
}

/** The products of one byte-level layer and of the head, for `C` channels and `R` rows of a batch. */
function modelCases(preset: string, C: number, R: number): Case[] {
  const shapes: [string, MatmulShape][] = [
    ["qkv", { layout: "NN", M: R, N: 3 * C, K: C, epilogue: "bias" }],
    ["expand", { layout: "NN", M: R, N: 4 * C, K: C, epilogue: "biasGelu" }],
    ["contract", { layout: "NN", M: R, N: C, K: 4 * C, epilogue: "biasResidual" }],
    ["expand dX", { layout: "NT", M: R, N: C, K: 4 * C, epilogue: "none" }],
    ["contract dX", { layout: "NT", M: R, N: 4 * C, K: C, epilogue: "geluGradient" }],
    ["expand dW", { layout: "TN", M: C, N: 4 * C, K: R, epilogue: "accumulateBias" }],
    ["head", { layout: "NT", M: R, N: 257, K: C, epilogue: "none" }],
    ["head dX", { layout: "NN", M: R, N: C, K: 257, epilogue: "none" }],
    ["head dW", { layout: "TN", M: 257, N: C, K: R, epilogue: "accumulate" }],
  ];
  return shapes.map(([name, shape]) => ({ name: `${preset} ${name}`, shape }));
}

/** Milliseconds of one product: the median of `rounds` rounds of as many products as take `roundMs`. */
async function timeMs(engine: GpuEngine, shape: MatmulShape, tile: MatmulTile): Promise<number> {
  const [rounds, roundMs] = [5, 300];
  const kernel: Kernel<MatmulShape, MatmulOperand> = {
    ...matmul,
    dispatches: (s) => [matmulDispatch(s, tile)],
  };
  const plan = new PlanBuilder();
  plan.program("product");
  const tensors: Partial<Record<MatmulOperand, Tensor>> = {};
  for (const [name, operand] of Object.entries(matmul.operands(shape))) {
    tensors[name as MatmulOperand] = plan.tensor(name, [operand.length], "output");
  }
  plan.call(kernel, shape, tensors, "product");
  // Reading one number waits for all products before it.
  plan.program("last");
  const flag = plan.tensor("flag", [1], "output");
  plan.call(clear, { length: 1 }, { x: flag }, "last");

  const execution = await engine.prepare(plan.build());
  try {
    const run = async (count: number): Promise<number> => {
      const start = performance.now();
      if (count > 0) execution.run(...Array<string>(count).fill("product"));
      execution.run("last");
      await execution.readFloats(flag);
      return performance.now() - start;
    };
    await run(1);
    // Reading alone takes 10 ms or more in Deno.
    const reading = Math.min(await run(0), await run(0), await run(0));
    let count = 1;
    while (await run(count) - reading < roundMs / 2 && count < 4096) count *= 2;
    const times: number[] = [];
    for (let round = 0; round < rounds; round++) times.push((await run(count) - reading) / count);
    return times.sort((a, b) => a - b)[rounds >> 1]!;
  } finally {
    execution.destroy();
  }
}

function describeTile({ rows, columns, depth, threadRows, threadColumns }: MatmulTile): string {
  return `${rows}x${columns}x${depth}/${threadRows}x${threadColumns}`;
}

/** Runs the benchmark with these arguments. */
export async function benchMatmul(args: readonly string[], print: Print): Promise<void> {
  const { json, large, filter = "" } = parseCommandLine(args, {
    json: jsonOption,
    large: { kind: "flag", help: "products of 4096 and of the published size, too" },
  }, { filter: { placeholder: "FILTER", help: "part of a case's name", optional: true } });
  const adapter = await webGpuAdapter();
  if (adapter === undefined) throw new Error("Cannot time matrix products: no WebGPU adapter was found");
  const engine = new GpuEngine(await openDevice(adapter));
  const cases = [
    ...[512, 1024, 2048, ...(large ? [4096] : [])].map(squareCase),
    ...modelCases("tiny", 128, 4096),
    ...modelCases("small", 256, 8192),
    ...(large ? modelCases("base", 768, 131072) : []),
  ];
  if (!json) print(engine.description);
  for (const { name, shape } of cases) {
    if (!name.includes(filter)) continue;
    const chosen = matmulTile(shape.M, shape.N);
    const { flops } = matmul.cost(shape);
    for (const tile of matmulTiles) {
      const ms = await timeMs(engine, shape, tile);
      const gigaflops = flops / ms / 1e6;
      if (json) {
        print(JSON.stringify({ name, shape, tile, chosen: tile === chosen, ms, gigaflops }));
        continue;
      }
      const { layout, M, N, K } = shape;
      const columns = [
        name.padEnd(20),
        `${layout} ${M}x${N}x${K}`.padEnd(20),
        `${describeTile(tile)}${tile === chosen ? " *" : ""}`.padEnd(20),
        `${ms.toFixed(3)} ms`.padStart(12),
        `${gigaflops.toFixed(1)} GFLOP/s`.padStart(16),
      ];
      print(columns.join(" "));
    }
  }
  engine.destroy();
}

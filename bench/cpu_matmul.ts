/**
 * Times matrix products on the cpu engine, on one thread and on all, beside the processor's rate of 128-bit fused
 * multiply-adds and jax-js's WebAssembly backend on as many threads.
 *
 *     deno task bench cpu-matmul [--threads N] [--json]
 *
 * `--threads` takes that number alone. Every figure is the best of many short rounds, as other programs only ever make
 * a round slower. On a machine that is never quiet, look at the figures of a core: they count only the time that the
 * cores really worked. The share is theirs of the rate of multiply-adds.
 */
import {
  clear,
  CpuEngine,
  matmul,
  type MatmulOperand,
  type MatmulShape,
  PlanBuilder,
  type Tensor,
} from "@bgpt/kernels";
import { engineOptions } from "../cli/engine.ts";
import { jsonOption } from "../cli/options.ts";
import { parseCommandLine } from "../cli/parse.ts";
import { bestTime, type Time } from "./best_time.ts";
import { timeJax } from "./jax_js.ts";
import { multiplyAddGigaflops } from "./multiply_adds.ts";

/** One thing to time. */
interface Case {
  readonly name: string;
  readonly shape: MatmulShape;
}

/** What issue B asks about, and what jax-js is compared at. */
export const mainCases: Case[] = [
  { name: "target", shape: { layout: "NN", M: 512, N: 3072, K: 768, epilogue: "none" } },
  { name: "square", shape: { layout: "NN", M: 768, N: 768, K: 768, epilogue: "none" } },
];

/** The products of one byte-level layer and of the head in a training step, for `C` channels and `R` rows. */
function modelCases(preset: string, C: number, R: number): Case[] {
  const shapes: [string, MatmulShape][] = [
    ["qkv", { layout: "NN", M: R, N: 3 * C, K: C, epilogue: "bias" }],
    ["expand", { layout: "NN", M: R, N: 4 * C, K: C, epilogue: "biasGelu" }],
    ["contract", { layout: "NN", M: R, N: C, K: 4 * C, epilogue: "biasResidual" }],
    ["expand dX", { layout: "NT", M: R, N: C, K: 4 * C, epilogue: "none" }],
    ["contract dX", { layout: "NT", M: R, N: 4 * C, K: C, epilogue: "geluGradient" }],
    ["expand dW", { layout: "TN", M: C, N: 4 * C, K: R, epilogue: "accumulateBias" }],
    ["contract dW", { layout: "TN", M: 4 * C, N: C, K: R, epilogue: "accumulateBias" }],
    ["head", { layout: "NT", M: R, N: 257, K: C, epilogue: "none" }],
    ["head dW", { layout: "TN", M: 257, N: C, K: R, epilogue: "accumulate" }],
  ];
  return shapes.map(([name, shape]) => ({ name: `${preset} ${name}`, shape }));
}

/** Times one product. */
async function timeProduct(engine: CpuEngine, shape: MatmulShape): Promise<Time> {
  const plan = new PlanBuilder();
  plan.program("product");
  const tensors: Partial<Record<MatmulOperand, Tensor>> = {};
  for (const [name, operand] of Object.entries(matmul.operands(shape))) {
    tensors[name as MatmulOperand] = plan.tensor(name, [operand.length], "output");
  }
  plan.call(matmul, shape, tensors, "product");
  // Reading one number waits for all products before it.
  plan.program("last");
  const flag = plan.tensor("flag", [1], "output");
  plan.call(clear, { length: 1 }, { x: flag }, "last");
  const execution = await engine.prepare(plan.build());
  try {
    for (const name of ["a", "b", "pre"] as const) {
      const tensor = tensors[name];
      if (tensor === undefined) continue;
      execution.write(tensor, Float32Array.from({ length: tensor.length }, () => Math.random() - 0.5));
    }
    const products = async (count: number) => {
      execution.run(...Array<string>(count).fill("product"), "last");
      await execution.readFloats(flag);
    };
    // As many as take 20 ms, beside which a message to the threads and back is nothing. V8 compiles well meanwhile.
    const count = Math.ceil(20 / (await bestTime(() => products(1), 300)).wall);
    const { wall, cores } = await bestTime(() => products(count), 1000);
    return { wall: wall / count, cores: cores / count };
  } finally {
    execution.destroy();
  }
}

/** A measured product, in GFLOP/s. */
interface Row {
  /** The build of the cpu engine, or the peer. */
  readonly what: "fast" | "strict" | "jax-js";
  readonly name: string;
  readonly shape: MatmulShape;
  readonly threads: number;
  readonly gigaflops: number;
  /** In the time that the cores really worked. */
  readonly ofCore: number;
  /** That of the rate of multiply-adds. */
  readonly share: number;
  /** The fast build against this peer, by the clock. */
  readonly fastRatio?: number;
}

function format({ what, name, shape, threads, gigaflops, ofCore, share, fastRatio }: Row): string {
  const { layout, M, N, K, epilogue } = shape;
  return [
    what.padEnd(7),
    name.padEnd(17),
    `${layout} ${M}x${N}x${K} ${epilogue}`.padEnd(32),
    `${threads} thread${threads === 1 ? " " : "s"}`,
    `${gigaflops.toFixed(1)} GFLOP/s`.padStart(14),
    `${ofCore.toFixed(1)} a core`.padStart(12),
    `${(100 * share).toFixed(0)} %`.padStart(5),
    fastRatio === undefined ? "" : ` fast is ${fastRatio.toFixed(2)} x`,
  ].join(" ");
}

/**
 * Prints a line for each product and number of threads; {@linkcode mainCases} also by the strict build and by jax-js.
 */
export async function benchProducts(
  cases: readonly Case[],
  threadCounts: readonly number[],
  json: boolean,
): Promise<void> {
  const rate = await multiplyAddGigaflops();
  if (json) console.log(JSON.stringify({ bench: "cpu-matmul", multiplyAddGigaflops: rate }));
  else console.log(`128-bit fused multiply-adds on one thread: ${rate.toFixed(1)} GFLOP/s`);
  const report = (row: Pick<Row, "what" | "threads" | "fastRatio">, { name, shape }: Case, time: Time) => {
    const { flops } = matmul.cost(shape);
    const ofCore = flops / time.cores / 1e6;
    const whole = { ...row, name, shape, gigaflops: flops / time.wall / 1e6, ofCore, share: ofCore / rate };
    console.log(json ? JSON.stringify({ bench: "cpu-matmul", ...whole }) : format(whole));
  };
  for (const threads of threadCounts) {
    const fast = await CpuEngine.create({ threads });
    const strict = await CpuEngine.create({ threads, strict: true });
    for (const each of cases) {
      const time = await timeProduct(fast, each.shape);
      report({ what: "fast", threads }, each, time);
      if (!mainCases.includes(each)) continue;
      report({ what: "strict", threads }, each, await timeProduct(strict, each.shape));
      const peer = await timeJax({ device: "wasm", threads }, each.shape);
      if (peer !== undefined) {
        report({ what: "jax-js", threads, fastRatio: peer.wall / time.wall }, each, peer);
      }
    }
    fast.destroy();
    strict.destroy();
  }
}

/** Runs the benchmark with these arguments. */
export async function benchCpuMatmul(args: readonly string[]): Promise<void> {
  const values = parseCommandLine(args, { threads: engineOptions.threads, json: jsonOption }, {});
  const cases = [
    ...mainCases,
    ...modelCases("tiny", 128, 4096),
    ...modelCases("small", 256, 8192),
    ...modelCases("base", 768, 8192),
  ];
  const counts = values.threads === undefined
    ? [...new Set([1, navigator.hardwareConcurrency])]
    : [values.threads];
  await benchProducts(cases, counts, values.json);
}

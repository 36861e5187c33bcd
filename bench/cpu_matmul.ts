/**
 * Times matrix products on the cpu engine, on one thread and on all, beside the processor's rate of 128-bit fused
 * multiply-adds and jax-js's WebAssembly backend on as many threads.
 *
 *     deno run -A bench/cpu_matmul.ts [--json] [--threads N]
 *
 * `--threads` takes that number alone. Every figure is the best of many short rounds, as other programs only ever make
 * a round slower. On a machine that is never quiet, look at the figures of a core: they count only the time that the
 * cores really worked. The share is theirs of the rate of multiply-adds.
 */
import process from "node:process";
import {
  clear,
  CpuEngine,
  matmul,
  type MatmulOperand,
  type MatmulShape,
  PlanBuilder,
  type Tensor,
} from "@bgpt/kernels";
import asc from "assemblyscript/asc";

/** One thing to time. */
interface Case {
  readonly name: string;
  readonly shape: MatmulShape;
}

/** What issue B asks about, and what jax-js is compared at. */
const mainCases: Case[] = [
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

/** How long something takes, in ms: by the clock, and by the time of all cores that worked on it. */
interface Time {
  readonly wall: number;
  readonly cores: number;
}

function coresMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** The best of rounds of `run` for about `totalMs`, and three at least. */
async function bestTime(run: () => Promise<void> | void, totalMs: number): Promise<Time> {
  let [wall, cores] = [Infinity, Infinity];
  const end = performance.now() + totalMs;
  for (let round = 0; round < 3 || performance.now() < end; round++) {
    const [start, coresStart] = [performance.now(), coresMs()];
    await run();
    wall = Math.min(wall, performance.now() - start);
    cores = Math.min(cores, coresMs() - coresStart);
  }
  return { wall, cores };
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

/** The processor's rate of 128-bit fused multiply-adds, in GFLOP/s on one thread: twelve independent sums. */
async function multiplyAddGigaflops(): Promise<number> {
  const [rounds, sums] = [100_000, [...Array(12).keys()]];
  // The factors come from memory, because V8 would make constants anew for every use.
  const source = `export function multiplyAdds(): f32 {
  const x = v128.load32_splat(0), y = v128.load32_splat(4);
  ${sums.map((i) => `let s${i} = f32x4.splat(${i});`).join(" ")}
  for (let round = 0; round < ${rounds}; round++) {
    ${sums.map((i) => `s${i} = f32x4.relaxed_madd(x, y, s${i});`).join(" ")}
  }
  return f32x4.extract_lane(${sums.map((i) => `s${i}`).reduce((a, b) => `f32x4.add(${a}, ${b})`)}, 0);
}`;
  let wasm: Uint8Array<ArrayBuffer> | undefined;
  const { error } = await asc.main(
    [
      "rate.ts",
      "--outFile",
      "rate.wasm",
      "-O3",
      "--runtime",
      "stub",
      "--initialMemory",
      "1",
      "--enable",
      "simd,relaxed-simd",
    ],
    {
      readFile: (name: string) => name === "rate.ts" ? source : null,
      writeFile: (_name: string, contents: Uint8Array | string) => {
        if (typeof contents !== "string") wasm = new Uint8Array(contents);
      },
      listFiles: () => [],
    },
  );
  if (error !== null || wasm === undefined) {
    throw new Error("Cannot compile the loop of multiply-adds", { cause: error });
  }
  const { instance } = await WebAssembly.instantiate(wasm, {});
  const multiplyAdds = instance.exports["multiplyAdds"] as () => number;
  // V8 swaps in its optimised code between calls.
  await bestTime(async () => {
    multiplyAdds();
    await new Promise((resolve) => setTimeout(resolve, 0));
  }, 500);
  const { wall } = await bestTime(() => void multiplyAdds(), 1000);
  return rounds * sums.length * 8 / wall / 1e6;
}

/** Times a product in jax-js; a worker of its own, because the number of threads is what the navigator says there. */
const jaxSource = `
import process from "node:process";
onmessage = async ({ data: { threads, M, N, K } }) => {
  try {
    Object.defineProperty(navigator, "hardwareConcurrency", { value: threads });
    const jax = await import("npm:@jax-js/jax@0.1.25");
    await jax.init("wasm");
    jax.defaultDevice("wasm");
    const random = (rows, columns) =>
      jax.numpy.array(Float32Array.from({ length: rows * columns }, () => Math.random() - 0.5)).reshape([rows, columns]);
    const [a, b] = [random(M, K), random(K, N)];
    await jax.blockUntilReady([a, b]);
    let [wall, cores] = [Infinity, Infinity];
    const end = performance.now() + 2500;
    while (performance.now() < end) {
      const [start, coresStart] = [performance.now(), process.cpuUsage()];
      const product = jax.numpy.matmul(a.ref, b.ref);
      await product.blockUntilReady();
      wall = Math.min(wall, performance.now() - start);
      const { user, system } = process.cpuUsage(coresStart);
      cores = Math.min(cores, (user + system) / 1000);
      product.dispose();
    }
    postMessage({ time: { wall, cores } });
  } catch (error) {
    postMessage({ error: String(error) });
  }
};`;

/** Times one product in jax-js; `undefined` where npm does not have it or it does not run. */
async function timeJax(threads: number, { M, N, K }: MatmulShape): Promise<Time | undefined> {
  const url = URL.createObjectURL(new Blob([jaxSource], { type: "text/javascript" }));
  const worker = new Worker(url, { type: "module" });
  try {
    const answer = await new Promise<{ time?: Time; error?: string }>((resolve) => {
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = (event) => {
        event.preventDefault();
        resolve({ error: event.message });
      };
      worker.postMessage({ threads, M, N, K });
    });
    if (answer.error !== undefined) console.error(`Cannot time jax-js: ${answer.error}`);
    return answer.time;
  } finally {
    worker.terminate();
    URL.revokeObjectURL(url);
  }
}

function readThreads(): number[] {
  const index = Deno.args.indexOf("--threads");
  if (index < 0) return [...new Set([1, navigator.hardwareConcurrency])];
  const threads = Number(Deno.args[index + 1]);
  if (!Number.isInteger(threads) || threads < 1) {
    console.error(`Cannot take "${Deno.args[index + 1]}" threads: --threads needs a whole number from 1`);
    Deno.exit(2);
  }
  return [threads];
}

const known = new Set(["--json", "--threads"]);
const unknown = Deno.args.find((argument, i) => !known.has(argument) && Deno.args[i - 1] !== "--threads");
if (unknown !== undefined) {
  console.error(`Unknown option "${unknown}": use --json and --threads N`);
  Deno.exit(2);
}
const json = Deno.args.includes("--json");
const rate = await multiplyAddGigaflops();
if (json) console.log(JSON.stringify({ name: "multiply-adds", threads: 1, gigaflops: rate }));
else console.log(`128-bit fused multiply-adds on one thread: ${rate.toFixed(1)} GFLOP/s`);

function report(what: string, { name, shape }: Case, threads: number, time: Time): void {
  const { layout, M, N, K, epilogue } = shape;
  const { flops } = matmul.cost(shape);
  const gigaflops = flops / time.wall / 1e6;
  const ofCore = flops / time.cores / 1e6;
  if (json) {
    console.log(JSON.stringify({ what, name, shape, threads, gigaflops, ofCore, share: ofCore / rate }));
    return;
  }
  const columns = [
    what.padEnd(7),
    name.padEnd(17),
    `${layout} ${M}x${N}x${K} ${epilogue}`.padEnd(32),
    `${threads} thread${threads === 1 ? " " : "s"}`,
    `${gigaflops.toFixed(1)} GFLOP/s`.padStart(14),
    `${ofCore.toFixed(1)} a core`.padStart(12),
    `${(100 * ofCore / rate).toFixed(0)} %`.padStart(5),
  ];
  console.log(columns.join(" "));
}

const cases = [
  ...mainCases,
  ...modelCases("tiny", 128, 4096),
  ...modelCases("small", 256, 8192),
  ...modelCases("base", 768, 8192),
];
for (const threads of readThreads()) {
  const fast = await CpuEngine.create({ threads });
  for (const each of cases) {
    report("fast", each, threads, await timeProduct(fast, each.shape));
    if (!mainCases.includes(each)) continue;
    const time = await timeJax(threads, each.shape);
    if (time !== undefined) report("jax-js", each, threads, time);
  }
  fast.destroy();
  const strict = await CpuEngine.create({ threads, strict: true });
  for (const each of mainCases) report("strict", each, threads, await timeProduct(strict, each.shape));
  strict.destroy();
}

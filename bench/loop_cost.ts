/**
 * What a loop costs in a shader. Deno's naga adds a counter to every loop and a clamp to every index that is no constant;
 * the same product with its inner loops written out, as our kernels have them, tells how much that takes on a device.
 */
import { type Engine, matmul, type MatmulOperand, type MatmulShape, PlanBuilder, wgsl } from "@bgpt/kernels";
import { timeProgram } from "../cli/doctor/time_program.ts";
import { PassTimer, timePasses } from "./pass_timer.ts";
import { summarise } from "./samples.ts";

/** A workgroup's 256 threads compute 64 x 64 elements, each 4 x 4, and stage 16 terms at a time. */
const [tile, depth, threads] = [64, 16, 256];

/** How a loop's body is written: over and over, or once in a loop. */
type Writer = (count: number, index: string, body: (index: string) => string) => string;

const looped: Writer = (count, index, body) =>
  `for (var ${index} = 0u; ${index} < ${count}u; ${index}++) {\n${body(index)}\n}`;
const unrolled: Writer = (count, _, body) =>
  Array.from({ length: count }, (_, i) => `{\n${body(`${i}u`)}\n}`).join("\n");

/** A product of square matrices whose side is a multiple of the tile. */
function productWgsl(side: number, inner: Writer): string {
  const stage = inner(tile * depth / threads, "i", (i) =>
    wgsl`
let e = thread + ${threads}u * ${i};
aTile[e % ${depth}u][e / ${depth}u] = a[(group.y * ${tile}u + e / ${depth}u) * ${side}u + start + e % ${depth}u];
bTile[e / ${tile}u][e % ${tile}u] = b[(start + e / ${tile}u) * ${side}u + group.x * ${tile}u + e % ${tile}u];`);
  const multiply = inner(depth, "k", (k) => `
let factors = vec4<f32>(${[0, 1, 2, 3].map((j) => `bTile[${k}][column + ${j}u]`).join(", ")});
${inner(4, "r", (r) => `sums[${r}] = fma(vec4<f32>(aTile[${k}][row + ${r}]), factors, sums[${r}]);`)}`);
  const store = inner(
    4,
    "r",
    (r) =>
      [0, 1, 2, 3].map((j) =>
        `out[(group.y * ${tile}u + row + ${r}) * ${side}u + group.x * ${tile}u + column + ${j}u] = sums[${r}][${j}];`
      ).join("\n"),
  );
  return wgsl`
var<workgroup> aTile: array<array<f32, ${tile}>, ${depth}>;
var<workgroup> bTile: array<array<f32, ${tile}>, ${depth}>;
@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let row = (thread / 16u) * 4u;
  let column = (thread % 16u) * 4u;
  var sums: array<vec4<f32>, 4>;
  for (var start = 0u; start < ${side}u; start += ${depth}u) {
    ${stage}
    workgroupBarrier();
    ${multiply}
    workgroupBarrier();
  }
  ${store}
}`;
}

/** Rates of the same product. */
export interface LoopCost {
  readonly side: number;
  readonly loopedFlopsPerSecond: number;
  readonly unrolledFlopsPerSecond: number;
  /** The time of the latter by the GPU's clock, of that by the wall's; far from 1, its timestamps are no nanoseconds. */
  readonly clockRatio?: number;
}

/**
 * Times both.
 * @throws {Error} when their results differ
 */
export async function measureLoopCost(engine: Engine, side: number): Promise<LoopCost> {
  const shape: MatmulShape = { layout: "NN", M: side, N: side, K: side, epilogue: "none" };
  const { flops } = matmul.cost(shape);
  const values = Float32Array.from({ length: side * side }, (_, i) => (i * 40503 % 65536) / 65536 - 0.5);
  const results: Float32Array[] = [];
  const rates: number[] = [];
  let clockRatio: number | undefined;
  for (const inner of [looped, unrolled]) {
    const plan = new PlanBuilder();
    const matrix = (name: MatmulOperand) => plan.tensor(name, [side, side], "output");
    const [a, b, out] = [matrix("a"), matrix("b"), matrix("out")];
    plan.program("product");
    const source = productWgsl(side, inner);
    const kernel = {
      ...matmul,
      dispatches: () => [{ source, workgroups: [side / tile, side / tile, 1] as const }],
    };
    plan.call(kernel, shape, { a, b, out }, "product");
    const flag = plan.tensor("flag", [1], "output");
    const execution = await engine.prepare(plan.build());
    execution.write(a, values);
    execution.write(b, values);
    const timer = PassTimer.of(engine);
    const { bestSeconds } = await timeProgram(execution, "product", flag);
    const seconds = timer && summarise(await timePasses(timer, execution, "product")).seconds;
    rates.push(flops / (seconds ?? bestSeconds));
    clockRatio = seconds && seconds / bestSeconds;
    results.push(await execution.readFloats(out));
    execution.destroy();
  }
  const different = results[0]!.findIndex((value, i) => Math.abs(value - results[1]![i]!) > 1e-3);
  if (different !== -1) {
    throw new Error(
      `Element ${different} of the product is ${results[0]![different]} looped, but ${
        results[1]![different]
      } unrolled`,
    );
  }
  return {
    side,
    loopedFlopsPerSecond: rates[0]!,
    unrolledFlopsPerSecond: rates[1]!,
    ...(clockRatio && { clockRatio }),
  };
}

import { assert, assertAlmostEquals } from "@std/assert";
import { gelu, geluGradient, geluWgsl, type Kernel, read, write } from "@bgpt/kernels";
import { gpuTest } from "../gpu.ts";
import { runKernel } from "./compare.ts";

/** Both functions at every element, as the epilogues use them. */
const geluProbe: Kernel<{ length: number; vector: boolean }, "x" | "y" | "slope"> = {
  name: "geluProbe",
  operands: ({ length }) => ({ x: read(length), y: write(length), slope: write(length) }),
  dispatches: ({ length, vector }) => [{
    source: `${geluWgsl(vector ? "vec4<f32>" : "f32")}
@compute @workgroup_size(1)
fn main(@builtin(workgroup_id) group: vec3<u32>) {
  y[group.x] = gelu(x[group.x]);
  slope[group.x] = geluGradient(x[group.x]);
}`,
    workgroups: [vector ? length / 4 : length, 1, 1],
    vectors: vector ? ["x", "y", "slope"] : [],
  }],
  assembly: () => [],
  reference: () => {},
  cost: () => ({ flops: 0, bytes: 0 }),
  tolerance: { absolute: 0, relative: 0, reason: "not compared as a kernel" },
};

const small = Array.from({ length: 4001 }, (_, i) => (i - 2000) / 150);
const large = [20, 50, 88, 100, 1e3, 1e6, 1e15, 3e38].flatMap((x) => [x, -x]);
const tiny = [1e-40, 1e-20, 1e-7];

gpuTest("gelu and its derivative on the GPU agree with f64, from 1e-40 to 3e38", async (engine) => {
  const points = [...small, ...large, ...tiny];
  const x = Float32Array.from([...points, ...Array(4 - points.length % 4).fill(0)]);
  for (const vector of [false, true]) {
    const { y, slope } = await runKernel(engine, geluProbe, { length: x.length, vector }, { x });
    x.forEach((x, i) => {
      const allowed = 4e-7 * Math.max(1, Math.abs(x));

      assert(Math.abs(y![i]! - gelu(x)) <= allowed, `gelu(${x}) is ${y![i]}, expected ${gelu(x)}`);
      assert(
        Math.abs(slope![i]! - geluGradient(x)) <= 1e-6,
        `gelu'(${x}) is ${slope![i]}, expected ${geluGradient(x)}`,
      );
    });
  }
});

gpuTest("gelu on the GPU keeps the relative size of its tail, where 1 + tanh would be 0", async (engine) => {
  const x = Float32Array.from([-3, -4, -5, -6, -7, -8]);
  const { y } = await runKernel(engine, geluProbe, { length: x.length, vector: false }, { x });
  const exact = [...x].map((x) => x / (1 + Math.exp(-2 * Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))));
  exact.forEach((exact, i) => assert(Math.abs(y![i]! / exact - 1) < 1e-5, `gelu(${x[i]}) is ${y![i]}`));
});

Deno.test("gelu has the values of GPT-2's tanh form", () => {
  // From the formula in decimal arithmetic with 40 digits.
  const known = [[0, 0], [1, 0.8411919906082768], [-1, -0.15880800939172324], [3, 2.996362607918227]];
  for (const [x, y] of known) assertAlmostEquals(gelu(x!), y!, 1e-12);
});

Deno.test("the derivative of gelu is its central difference", () => {
  for (const x of small) {
    const delta = 1e-5;
    const difference = (gelu(x + delta) - gelu(x - delta)) / (2 * delta);
    assertAlmostEquals(geluGradient(x), difference, 1e-9);
  }
});

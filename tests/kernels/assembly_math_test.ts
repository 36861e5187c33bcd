/** The errors that kernels/assembly/math.ts states, measured against f64 over dense sweeps, in both builds. */
import { assert, assertEquals } from "@std/assert";
import { fastModule, strictModule } from "../../kernels/engines/cpu/assembly_modules.ts";
import { inflateModule } from "../../kernels/engines/cpu/inflate_module.ts";

const input = 0x10000;
const output = 0x40000;
const capacity = (output - input) / 4;

/** Runs one of the module's array functions. */
type ArrayFunction = (values: Float32Array) => Float32Array;

function arrayFunction(build: Uint8Array<ArrayBuffer>, name: string): ArrayFunction {
  const memory = new WebAssembly.Memory({ initial: 8, maximum: 65536, shared: true });
  const module = new WebAssembly.Module(build);
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  const call = exports[name] as (x: number, y: number, length: number) => void;
  return (values) => {
    new Float32Array(memory.buffer, input, values.length).set(values);
    call(input, output, values.length);
    return new Float32Array(memory.buffer, output, values.length).slice();
  };
}

/** Batches of `from`, …, `to` in even steps. */
function* sweep(from: number, to: number, count: number): Generator<Float32Array> {
  for (let start = 0; start < count; start += capacity) {
    yield Float32Array.from(
      { length: Math.min(capacity, count - start) },
      (_, i) => from + (to - from) * (start + i) / (count - 1),
    );
  }
}

/** The largest error by a measure of error over a sweep. */
function largestError(
  compute: ArrayFunction,
  batches: Iterable<Float32Array>,
  error: (actual: number, x: number) => number,
): number {
  let largest = 0;
  for (const values of batches) {
    compute(values).forEach((actual, i) => {
      const e = error(actual, values[i]!);
      largest = e <= largest ? largest : e; // NaN is larger than all
    });
  }
  return largest;
}

const relative = (exact: (x: number) => number) => (actual: number, x: number): number =>
  x === 0 ? Math.abs(actual - exact(x)) : Math.abs(actual / exact(x) - 1);
const absolute = (exact: (x: number) => number) => (actual: number, x: number): number =>
  Math.abs(actual - exact(x)) / Math.max(1, Math.abs(x));

const root = Math.sqrt(2 / Math.PI);
const u = (x: number) => root * (x + 0.044715 * x ** 3);
/** x σ(2u), which has no cancellation where x is negative. */
const gelu = (x: number) => x / (1 + Math.exp(-2 * u(x)));
const geluGradient = (x: number) => {
  const s = 1 / (1 + Math.exp(-2 * u(x)));
  return s + x * s * (1 - s) * 2 * root * (1 + 3 * 0.044715 * x * x);
};

for (const [buildName, text] of [["fast", fastModule], ["strict", strictModule]] as const) {
  const build = await inflateModule(text);
  const measure = (
    name: string,
    range: [number, number],
    error: (actual: number, x: number) => number,
  ): number => largestError(arrayFunction(build, name), sweep(...range, 1_000_000), error);

  Deno.test(`${buildName} build: exp is right to a relative 8.3e-8`, () => {
    assert(measure("expArray", [-87.3, 88.7], relative(Math.exp)) < 8.3e-8);
    assert(measure("expArray", [-1, 1], relative(Math.exp)) < 8.3e-8);
  });

  Deno.test(`${buildName} build: exp is 0 far below and finite far above`, () => {
    const values = [-87.34, -88, -104, -1e4, -3.4e38, -Infinity, 0, -0, 89, 1e10, 3.4e38, Infinity];
    const actual = arrayFunction(build, "expArray")(Float32Array.from(values));
    assertEquals([...actual.subarray(0, 8)], [0, 0, 0, 0, 0, 0, 1, 1]);
    for (const x of actual.subarray(8)) assert(x > 3.3e38 && x < Infinity, `${x}`);
    assert(Number.isNaN(arrayFunction(build, "expArray")(Float32Array.of(NaN))[0]));
  });

  Deno.test(`${buildName} build: tanh is right to a relative 1.4e-7, odd, and ±1 far out`, () => {
    assert(measure("tanhArray", [-10, 10], relative(Math.tanh)) < 1.4e-7);
    assert(measure("tanhArray", [-0.7, 0.7], relative(Math.tanh)) < 1.4e-7);
    const actual = arrayFunction(build, "tanhArray")(Float32Array.of(-0, 1e-30, -1e30, Infinity, -Infinity));
    assertEquals([...actual], [-0, Math.fround(1e-30), -1, 1, -1]);
  });

  Deno.test(`${buildName} build: GELU and its derivative are exact in f32 but for rounding`, () => {
    assert(measure("geluArray", [-12, 12], absolute(gelu)) < 1.2e-7);
    assert(measure("geluArray", [-5, 5], relative(gelu)) < 2.1e-6);
    assert(measure("geluGradientArray", [-20, 20], absolute(geluGradient)) < 2e-7);
    const far = Float32Array.of(-100, -1e15, -3.4e38, 100, 1e15, 3e38);
    const y = arrayFunction(build, "geluArray")(far);
    far.forEach((x, i) => assert(x > 0 ? y[i] === x : Math.abs(y[i]!) <= 2e-35 * -x, `gelu(${x}) = ${y[i]}`));
    const slopes = arrayFunction(build, "geluGradientArray")(far);
    far.forEach((x, i) =>
      assert(Math.abs(slopes[i]! - (x > 0 ? 1 : 0)) < 1e-30, `gelu'(${x}) = ${slopes[i]}`)
    );
  });

  Deno.test(`${buildName} build: sine and cosine are right to an error of 7e-8 on an eighth of a turn`, () => {
    const range: [number, number] = [-Math.PI / 4, Math.PI / 4];
    for (const [name, exact] of [["sineArray", Math.sin], ["cosineArray", Math.cos]] as const) {
      const error = measure(name, range, absolute(exact));
      assert(error < 7e-8, `${name}: ${error}`);
    }
  });

  Deno.test(`${buildName} build: the logarithm is right to the last bit but for rounding`, () => {
    assert(measure("logArray", [1e-6, 1000], relative(Math.log)) < 6e-8);
    assert(measure("logArray", [0.5, 2], relative(Math.log)) < 6e-8);
    const actual = arrayFunction(build, "logArray")(Float32Array.of(1, 0, 3e38, 1.5e-45));
    assertEquals([...actual], [
      0,
      -Infinity,
      Math.fround(Math.log(Math.fround(3e38))),
      Math.fround(Math.log(Math.fround(1.5e-45))),
    ]);
  });
}

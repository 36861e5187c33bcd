/**
 * Reductions over the threads of a workgroup, and how such a reduction divides a matrix: what the kernels that
 * normalise rows and the kernels that sum large arrays have in common.
 * @module
 */
import { type DeviceFacts, divideUp, wgsl } from "./kernel.ts";

/** Threads of a workgroup: what WebGPU allows on every adapter. */
export const workgroupThreads = 256;

/** How a workgroup holds rows in registers: each row by `lanes` threads, each thread by `chunks` values. */
export interface RowLayout {
  /** Type of a value. */
  readonly type: "f32" | "vec4<f32>";
  /** Values of this type in a row. */
  readonly count: number;
  /** Threads of a row, a power of two. */
  readonly lanes: number;
  /** Values that a thread holds: those at lane, lane + lanes, … */
  readonly chunks: number;
  /** Rows of a workgroup. */
  readonly rows: number;
  /** The WGSL lines of all chunks, from the line of one. */
  each(line: (chunk: number) => string): string;
  /** WGSL index of a chunk's value within the row. */
  index(chunk: number): string;
  /** WGSL condition that a chunk's value lies within the row; `true` where it always does. */
  inside(chunk: number): string;
}

/** The type that rows of `length` elements are read as: `vec4<f32>` where that divides them, else `f32`. */
export function valueType(length: number): RowLayout["type"] {
  return length % 4 === 0 ? "vec4<f32>" : "f32";
}

/**
 * The layout of rows of `length` elements, with the fewest threads a row (at least 32) that hold at most `maxChunks`
 * values each.
 */
export function rowLayout(
  length: number,
  maxChunks: number,
  type: RowLayout["type"] = valueType(length),
): RowLayout {
  const count = type === "f32" ? length : length / 4;
  let lanes = 32;
  while (lanes < workgroupThreads && lanes * maxChunks < count) lanes *= 2;
  const chunks = divideUp(count, lanes);
  return {
    type,
    count,
    lanes,
    chunks,
    rows: workgroupThreads / lanes,
    each: (line) => Array.from({ length: chunks }, (_, chunk) => line(chunk)).join("\n  "),
    index: (chunk) => `(lane + ${chunk * lanes}u)`,
    inside: (chunk) => (chunk + 1) * lanes <= count ? "true" : `(lane + ${chunk * lanes}u < ${count}u)`,
  };
}

/**
 * A WGSL function `name(value, thread)` that combines the values of each `lanes` threads, `columns` apart, in a balanced
 * tree and gives the result to all of them. Call it where all threads of the workgroup come. It orders nothing else that
 * they have in workgroup memory: where a subgroup holds all lanes, there is no barrier in it.
 *
 * The tree joins what is furthest apart first. So its last levels are within a subgroup, whose lanes read each other's
 * registers where the device lets them: the tree is the same, and a + b has the bits of b + a, so the result has, too.
 * @param type element type of the values
 * @param lanes a power of two
 * @param combine how two values become one: the WGSL operator or function
 * @param columns a power of two; threads that are neighbours belong to so many reductions
 */
export function reductionWgsl(
  name: string,
  type: string,
  lanes: number,
  combine: "+" | "max",
  device: DeviceFacts | undefined,
  columns = 1,
): string {
  const { subgroupLanes = 1 } = device ?? {};
  const join = (a: string, b: string) => combine === "+" ? `${a} + ${b}` : `max(${a}, ${b})`;
  const threads = lanes * columns;
  const nearest = Math.max(columns, subgroupLanes); // From this distance on workgroup memory is needed.
  const exchanges = halvings(Math.min(threads, subgroupLanes), columns)
    .map((stride) => `result = ${join("result", `subgroupShuffleXor(result, ${stride}u)`)};`);
  if (threads <= nearest) {
    return wgsl`
fn ${name}(value: ${type}, thread: u32) -> ${type} {
  var result = value;
  ${exchanges.join("\n  ")}
  return result;
}
`;
  }
  const levels = halvings(threads, nearest).map((stride) => {
    const joined = join(`${name}Values[thread]`, `${name}Values[thread + ${stride}u]`);
    return `if (place < ${stride}u) { ${name}Values[thread] = ${joined}; }\n  workgroupBarrier();`;
  });
  return wgsl`
var<workgroup> ${name}Values: array<${type}, ${workgroupThreads}>;
fn ${name}(value: ${type}, thread: u32) -> ${type} {
  let place = thread % ${threads}u;
  ${name}Values[thread] = value;
  workgroupBarrier();
  ${levels.join("\n  ")}
  var result = ${name}Values[thread - place + place % ${nearest}u];
  // The next call may only overwrite what every thread has read.
  workgroupBarrier();
  ${exchanges.join("\n  ")}
  return result;
}
`;
}

/** Half of `from`, half of that, and so on, down to `to`; all are powers of two. */
function halvings(from: number, to: number): number[] {
  const strides: number[] = [];
  for (let stride = from / 2; stride >= to; stride /= 2) strides.push(stride);
  return strides;
}

/** WGSL function `horizontalSum` over the components of a value of {@linkcode RowLayout}. */
export function horizontalSumWgsl(type: RowLayout["type"]): string {
  const sum = type === "f32" ? "v" : "(v.x + v.y) + (v.z + v.w)";
  return `fn horizontalSum(v: ${type}) -> f32 { return ${sum}; }\n`;
}

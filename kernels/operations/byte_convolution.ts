/**
 * A causal depthwise convolution of the latest bytes of a file: to each row of the byte level are added the vectors of
 * the W bytes before the one that it predicts, each channel weighted by how far back the byte stands. With previous(r)
 * of previous_byte.ts, and rows of its own file alone,
 *
 *   x[r] += Σₖ weight[k] ⊙ vectors[previous(r − k)]    k = 0 … W − 1, r − k ≥ fileStart[r]
 *
 * and backward
 *
 *   dWeight[k]  += Σᵣ dx[r] ⊙ vectors[previous(r − k)]
 *   dRows[r]     = Σₖ weight[k] ⊙ dx[r + k]            r + k in the same file
 *   dVectors[v]  = Σ dRows[r] over r with previous(r) = v
 *
 * So a byte that stands where one like it stood before, a row of pixels or a state of a machine ago, is foretold by one
 * weight, which attention has to find by queries and keys.
 *
 * tokens and patches [N, S], fileStart [N·S], vectors [V, C], weight [W, C], x [N·S, C]
 * @module
 */
import { divideUp, foldWidth, foldWorkgroups, type Kernel, read, update, wgsl, write } from "../kernel.ts";
import { chunkRows, keyedRowSums, rowVectors } from "../row_sums.ts";
import { belongsToPreviousByteWgsl, previousByte, previousByteWgsl } from "./previous_byte.ts";

/** Sizes of {@linkcode byteConvolution}. */
export type ByteConvolutionShape = {
  /** Byte rows: patches that are decoded. */
  readonly N: number;
  /** Bytes of a patch. */
  readonly S: number;
  /** Vocabulary. */
  readonly V: number;
  /** Channels. */
  readonly C: number;
  /** Bytes that are summed over, at least 1. */
  readonly W: number;
};

/**
 * Checks how many bytes a convolution sums over.
 * @throws {RangeError} when that is no whole number, or none
 */
export function assertConvolutionWidth(W: number): void {
  if (Number.isInteger(W) && W >= 1) return;
  throw new RangeError(`Cannot plan a convolution of ${W} bytes: it must be a whole number, at least 1`);
}

/** What both directions read. */
function inputs({ N, S, V, C, W }: ByteConvolutionShape) {
  assertConvolutionWidth(W);
  return {
    tokens: read(N * S, "u32"),
    patches: read(N * S, "u32"),
    fileStart: read(N * S, "u32"),
    vectors: read(V * C),
    weight: read(W * C),
  };
}

/** Calls `visit` for each row, each byte before it that is summed over, and that byte's weight. */
function eachTerm(
  { N, S, W }: ByteConvolutionShape,
  { tokens, patches, fileStart }: Record<"tokens" | "patches" | "fileStart", Uint32Array>,
  visit: (row: number, k: number, byte: number) => void,
): void {
  for (let row = 0; row < N * S; row++) {
    for (let k = 0; k < W && row - k >= fileStart[row]!; k++) {
      visit(row, k, previousByte(S, tokens, patches, row - k));
    }
  }
}

/** x += the vectors of the bytes before, each channel weighted by their distance. */
export const byteConvolution: Kernel<
  ByteConvolutionShape,
  "vectors" | "weight" | "x",
  "tokens" | "patches" | "fileStart"
> = {
  name: "byteConvolution",
  operands: (shape) => ({ ...inputs(shape), x: update(shape.N * shape.S * shape.C) }),
  dispatches({ N, S, C, W }) {
    const { count, vectors } = rowVectors(C);
    const groups = divideUp(N * S * count, 256);
    const source = wgsl`${previousByteWgsl(S)}
@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * ${foldWidth(groups)}u + group.x) * 256u + lane;
  if (i >= ${N * S * count}u) { return; }
  let row = i / ${count}u;
  let value = i % ${count}u;
  let terms = min(${W}u, row - fileStart[row] + 1u);
  var sum = x[i];
  for (var k = 0u; k < terms; k++) {
    sum += weight[k * ${count}u + value] * vectors[previousByte(row - k) * ${count}u + value];
  }
  x[i] = sum;
}`;
    return [{ source, workgroups: foldWorkgroups(groups), vectors: vectors("vectors", "weight", "x") }];
  },
  assembly: ({ N, S, C, W }) => [{
    function: "byteConvolution",
    arguments: ["tokens", "patches", "fileStart", "vectors", "weight", "x", N, S, C, W],
  }],
  reference(shape, { vectors, weight, x, ...bytes }) {
    const { C } = shape;
    eachTerm(shape, bytes, (row, k, byte) => {
      for (let c = 0; c < C; c++) x[row * C + c]! += weight[k * C + c]! * vectors[byte * C + c]!;
    });
  },
  cost({ N, S, V, C, W }) {
    return { flops: 2 * N * S * C * W, bytes: 4 * (3 * N * S + (V + W + 2 * N * S) * C) };
  },
  tolerance: {
    absolute: 1e-6,
    relative: 2e-6,
    reason: "W terms of order one added in f32, one after the other",
  },
};

/**
 * The gradients of {@linkcode byteConvolution}: `dWeight` is added to what is there, `dVectors` is set; that of x passes
 * unchanged. `dRows` [N·S, C] is what each row's vector had, before rows of the same byte are added up.
 */
export const byteConvolutionBackward: Kernel<
  ByteConvolutionShape,
  "vectors" | "weight" | "dx" | "dWeight" | "dVectors" | "dRows",
  "tokens" | "patches" | "fileStart"
> = {
  name: "byteConvolution.backward",
  operands(shape) {
    const { N, S, V, C, W } = shape;
    return {
      ...inputs(shape),
      dx: read(N * S * C),
      dWeight: update(W * C),
      dVectors: write(V * C),
      dRows: write(N * S * C),
    };
  },
  dispatches({ N, S, V, C, W }) {
    const R = N * S;
    const { type, count, vectors } = rowVectors(C);
    // Rows whose terms a thread adds up for the gradient of a weight.
    const chunk = chunkRows(R);
    const chunks = divideUp(R, chunk);
    const scratchLength = Math.max(chunks * W * C, S * V * C);
    const thread = (groups: number, values: number) =>
      wgsl`
@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * ${foldWidth(groups)}u + group.x) * 256u + lane;
  if (i >= ${values}u) { return; }`;
    const dispatch = (values: number, functions: string, body: string, ...names: string[]) => {
      const groups = divideUp(values, 256);
      const source = `${functions}${thread(groups, values)}${body}\n}`;
      return { source, workgroups: foldWorkgroups(groups), vectors: vectors(...names), scratchLength };
    };
    const rows = wgsl`
  let row = i / ${count}u;
  let value = i % ${count}u;
  let start = fileStart[row];
  let most = min(${W}u, ${R}u - row);
  var sum = ${type}();
  for (var k = 0u; k < most; k++) {
    if (fileStart[row + k] != start) { break; }
    sum += weight[k * ${count}u + value] * dx[(row + k) * ${count}u + value];
  }
  dRows[i] = sum;`;
    // A frequent byte's rows are summed apart for each position, as in byte_embedding.ts.
    const vectorSums = wgsl`
  var sum = scratch[i];
  ${Array.from({ length: S - 1 }, (_, t) => `sum += scratch[i + ${(t + 1) * V * count}u];`).join("\n  ")}
  dVectors[i] = sum;`;
    const weightParts = wgsl`
  let value = i % ${count}u;
  let k = (i / ${count}u) % ${W}u;
  let first = (i / ${count * W}u) * ${chunk}u;
  let end = min(first + ${chunk}u, ${R}u);
  var sum = ${type}();
  for (var row = max(first, k); row < end; row++) {
    if (row >= fileStart[row] + k) {
      sum += dx[row * ${count}u + value] * vectors[previousByte(row - k) * ${count}u + value];
    }
  }
  scratch[i] = sum;`;
    const weightSums = wgsl`
  var sum = ${type}();
  for (var part = 0u; part < ${chunks}u; part++) { sum += scratch[part * ${W * count}u + i]; }
  dWeight[i] += sum;`;
    const bytes = previousByteWgsl(S);
    return [
      dispatch(R * count, "", rows, "weight", "dx", "dRows"),
      {
        ...keyedRowSums({
          items: N,
          rows: S * V,
          C,
          belongs: belongsToPreviousByteWgsl(S, V),
          source: "dRows",
          sourceRow: `item * ${S}u + row / ${V}u`,
          target: "scratch",
          assign: "=",
        }),
        scratchLength,
      },
      dispatch(V * count, "", vectorSums, "dVectors", "scratch"),
      dispatch(chunks * W * count, bytes, weightParts, "vectors", "dx", "scratch"),
      dispatch(W * count, "", weightSums, "dWeight", "scratch"),
    ];
  },
  assembly: ({ N, S, V, C, W }) => [
    { function: "byteConvolutionRows", arguments: ["fileStart", "weight", "dx", "dRows", N * S, C, W] },
    { function: "byteConvolutionVectors", arguments: ["tokens", "patches", "dRows", "dVectors", N, S, V, C] },
    {
      function: "byteConvolutionWeight",
      arguments: ["tokens", "patches", "fileStart", "vectors", "dx", "dWeight", N, S, C, W],
    },
  ],
  reference(shape, { vectors, weight, dx, dWeight, dVectors, dRows, ...bytes }) {
    const { N, S, C } = shape;
    dRows.fill(0);
    eachTerm(shape, bytes, (row, k, byte) => {
      for (let c = 0; c < C; c++) {
        dWeight[k * C + c]! += dx[row * C + c]! * vectors[byte * C + c]!;
        dRows[(row - k) * C + c]! += weight[k * C + c]! * dx[row * C + c]!;
      }
    });
    dVectors.fill(0);
    for (let row = 0; row < N * S; row++) {
      const byte = previousByte(S, bytes.tokens, bytes.patches, row);
      for (let c = 0; c < C; c++) dVectors[byte * C + c]! += dRows[row * C + c]!;
    }
  },
  cost({ N, S, V, C, W }) {
    return {
      flops: N * S * C * (4 * W + 1),
      bytes: 4 * (3 * N * S + (2 * V + 3 * W + 3 * N * S) * C),
    };
  },
  tolerance: {
    absolute: 1e-5,
    relative: 3e-6,
    reason: "sums in f32 over W terms, and over partial sums of at most 1/64 of the rows, of order one",
  },
};

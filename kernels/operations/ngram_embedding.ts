/**
 * What the last bytes say about the next, without a layer that has to find it out: the rows of a table that the hashes
 * of the last 2, 3 and 4 bytes choose are added to each row of the byte level. Row r = (n, t) is byte t of a patch:
 *
 *   x[r] += Σₒ table[o·rows + hashₒ(r)]
 *
 * and backward
 *
 *   dTable[o·rows + h] += Σ dx[r] over r with hashₒ(r) = h
 *
 * where o counts the {@linkcode ngramOrders}, and hashₒ(r), see ngram_hash.ts, is of bytes in tokens[n] and before them in
 * patches[n]. Different bytes may share a row: training sorts out what it is worth.
 *
 * tokens and patches [N, S], table [3·rows, C], x [N·S, C]
 * @module
 */
import { divideUp, foldWidth, foldWorkgroups, type Kernel, read, update, wgsl, write } from "../kernel.ts";
import { keyedRowSums, rowVectors } from "../row_sums.ts";
import { assertNgramSizes, ngramHash, ngramHashesWgsl, ngramOrders, ngramSumWgsl } from "./ngram_hash.ts";

export { ngramOrders };

/** Sizes of {@linkcode ngramEmbedding}. */
export type NgramEmbeddingShape = {
  /** Byte rows: patches that are decoded. */
  readonly N: number;
  /** Bytes of a patch, 2 to 16. */
  readonly S: number;
  /** Channels. */
  readonly C: number;
  /** Rows of the table for each order, a power of two up to 65,536. */
  readonly rows: number;
};

/** Rows of the table of all orders, with so many for each. */
export function ngramTableRows(rows: number): number {
  return ngramOrders.length * rows;
}

/** Elements of the `hashes` of {@linkcode ngramEmbeddingBackward}. */
export function ngramHashesLength({ N, S }: Pick<NgramEmbeddingShape, "N" | "S">): number {
  return ngramOrders.length * N * S;
}

/** Calls `visit` for each row of x with the row of the table that each order adds to it. */
function eachNgram(
  { N, S, rows }: NgramEmbeddingShape,
  tokens: Uint32Array,
  patches: Uint32Array,
  visit: (row: number, order: number, hash: number) => void,
): void {
  for (let n = 0; n < N; n++) {
    const bytes = tokens.subarray(n * S, (n + 1) * S);
    const before = patches.subarray(n * S, (n + 1) * S);
    for (let t = 0; t < S; t++) {
      ngramOrders.forEach((order, o) => visit(n * S + t, o, ngramHash(order, rows, bytes, before, t)));
    }
  }
}

/** x += the rows of the table that the last 2, 3 and 4 bytes choose. */
export const ngramEmbedding: Kernel<NgramEmbeddingShape, "table" | "x", "tokens" | "patches"> = {
  name: "ngramEmbedding",
  operands(shape) {
    assertNgramSizes(shape);
    const { N, S, C, rows } = shape;
    return {
      tokens: read(N * S, "u32"),
      patches: read(N * S, "u32"),
      table: read(ngramTableRows(rows) * C),
      x: update(N * S * C),
    };
  },
  dispatches({ N, S, C, rows }) {
    const { count, vectors } = rowVectors(C);
    const groups = divideUp(N * S * count, 256);
    const source = wgsl`${ngramHashesWgsl(S, rows)}
@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * ${foldWidth(groups)}u + group.x) * 256u + lane;
  if (i >= ${N * S * count}u) { return; }
  let row = i / ${count}u;
  let value = i % ${count}u;
  let t = row % ${S}u;
  let hashes = ngramHashes(row - t, row - t, t);
  x[i] = ${ngramSumWgsl("hashes", rows, count)};
}`;
    return [{ source, workgroups: foldWorkgroups(groups), vectors: vectors("table", "x") }];
  },
  assembly: ({ N, S, C, rows }) => [{
    function: "ngramEmbedding",
    arguments: ["tokens", "patches", "table", "x", N, S, C, rows],
  }],
  reference(shape, { tokens, patches, table, x }) {
    const { C, rows } = shape;
    eachNgram(shape, tokens, patches, (row, o, hash) => {
      const own = o * rows + hash;
      for (let c = 0; c < C; c++) x[row * C + c]! += table[own * C + c]!;
    });
  },
  cost({ N, S, C, rows }) {
    const tableRows = ngramOrders.length * Math.min(rows, N * S);
    return {
      flops: ngramOrders.length * N * S * C,
      bytes: 4 * (2 * N * S + (2 * N * S + tableRows) * C),
    };
  },
  tolerance: { absolute: 2e-7, relative: 2e-7, reason: "three sums in f32" },
};

/**
 * The gradient of the table of {@linkcode ngramEmbedding}, added to what is there; that of x passes unchanged. `hashes`
 * [3, N·S] are computed once, because each row of the table looks at all of them.
 */
export const ngramEmbeddingBackward: Kernel<
  NgramEmbeddingShape,
  "dx" | "dTable",
  "tokens" | "patches" | "hashes"
> = {
  name: "ngramEmbedding.backward",
  operands(shape) {
    assertNgramSizes(shape);
    const { N, S, C, rows } = shape;
    return {
      tokens: read(N * S, "u32"),
      patches: read(N * S, "u32"),
      dx: read(N * S * C),
      dTable: update(ngramTableRows(rows) * C),
      hashes: write(ngramHashesLength(shape), "u32"),
    };
  },
  dispatches({ N, S, C, rows }) {
    const groups = divideUp(N * S, 64);
    const stores = ngramOrders.map((_, o) => `hashes[row + ${o * N * S}u] = own[${o}];`);
    const source = wgsl`${ngramHashesWgsl(S, rows)}
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let row = (group.y * ${foldWidth(groups)}u + group.x) * 64u + lane;
  if (row >= ${N * S}u) { return; }
  let t = row % ${S}u;
  let own = ngramHashes(row - t, row - t, t);
  ${stores.join("\n  ")}
}`;
    return [
      { source, workgroups: foldWorkgroups(groups) },
      keyedRowSums({
        items: N * S,
        rows: ngramTableRows(rows),
        C,
        belongs: `hashes[(row / ${rows}u) * ${N * S}u + item] == row % ${rows}u`,
        source: "dx",
        sourceRow: "item",
        target: "dTable",
        assign: "+=",
      }),
    ];
  },
  assembly: ({ N, S, C, rows }) => [
    { function: "ngramHashes", arguments: ["tokens", "patches", "hashes", N, S, rows] },
    { function: "ngramTable", arguments: ["hashes", "dx", "dTable", N * S, C, rows] },
  ],
  reference(shape, { tokens, patches, dx, dTable, hashes }) {
    const { N, S, C, rows } = shape;
    eachNgram(shape, tokens, patches, (row, o, hash) => {
      hashes[o * N * S + row] = hash;
      const own = o * rows + hash;
      for (let c = 0; c < C; c++) dTable[own * C + c]! += dx[row * C + c]!;
    });
  },
  cost(shape) {
    const { N, S, C, rows } = shape;
    const tableRows = ngramOrders.length * Math.min(rows, N * S);
    return {
      flops: ngramOrders.length * N * S * C,
      bytes: 4 * (2 * N * S + ngramHashesLength(shape) + (N * S + 2 * tableRows) * C),
    };
  },
  tolerance: {
    absolute: 2e-6,
    relative: 1e-6,
    reason: "sums in f32 over partial sums of at most 256 terms of order one",
  },
};

/**
 * How the byte kernels lay lanes over (patch, head) pairs, and the WGSL that both directions share: a lane keeps four
 * queries × four keys in registers, as in `attention_tile.ts`.
 * @module
 */
import { divideUp, foldWidth, wgsl } from "../kernel.ts";
import {
  accumulate,
  component,
  largest,
  lowest,
  masked,
  scale,
  unroll,
  unrollFactor,
  vec4,
} from "./attention_tile.ts";
import type { ByteAttentionShape } from "./byte_attention.ts";

/** How lanes are laid over (patch, head) pairs; sizes in vec4. */
export interface Layout {
  /** Lanes of a pair side by side, and as many rows of them. */
  readonly width: number;
  /** Lanes of a workgroup. */
  readonly lanes: number;
  /** Workgroups. */
  readonly groups: number;
  /** D / 4. */
  readonly depth: number;
  /** H · D / 4: from q to k and from k to v. */
  readonly part: number;
  /** From one row of qkv to the next. */
  readonly stride: number;
}

/** Rows of channels in an operand; offset and stride in vec4. */
export interface Matrix {
  readonly name: string;
  readonly stride: number;
  readonly offset: number;
}

/** The lanes of a shape: as many pairs as make 64 lanes or a few less. */
export function layoutOf({ N, S, H, D }: ByteAttentionShape): Layout {
  const width = divideUp(S, 4);
  const pairs = Math.floor(64 / (width * width));
  const part = H * D / 4;
  return {
    width,
    lanes: pairs * width * width,
    groups: divideUp(N * H, pairs),
    depth: D / 4,
    part,
    stride: 3 * part,
  };
}

/** WGSL of a byte's place in its patch; those beyond S take the last one's values and are never written. */
function position(S: number, index: string): string {
  return S % 4 === 0 ? index : `min(${index}, ${S - 1}u)`;
}

/** Declares what a lane works on. The folded grid has lanes too many: they repeat the last pair and write nothing. */
export function placeLane({ N, S, H }: ByteAttentionShape, { width, lanes, groups, depth }: Layout): string {
  const square = width * width;
  return wgsl`
  let wanted = (group.y * ${foldWidth(groups)}u + group.x) * ${lanes / square}u + lane / ${square}u;
  let pair = min(wanted, ${N * H - 1}u);
  let first = pair / ${H}u * ${S}u; // the patch's first row
  let channels = pair % ${H}u * ${depth}u;
  let row = lane % ${square}u / ${width}u; // four queries
  let column = lane % ${width}u; // four keys
  let tile = lane / ${square}u * ${4 * square}u; // the pair's part of an array of weights
${unroll(4, (i) => `  let query${i} = first + ${position(S, `4u * row + ${i}u`)};`)}
${unroll(4, (j) => `  let key${j} = first + ${position(S, `4u * column + ${j}u`)};`)}`;
}

/** Products of a lane's four query rows of a matrix with its four key rows of qkv; several in one loop over channels. */
export function scoreLoop(
  { depth, stride }: Layout,
  products: readonly { sum: string; rows: Matrix; keyOffset: number }[],
): string {
  const factor = Math.min(unrollFactor(depth), 4 / products.length);
  return wgsl`
${products.map(({ sum }) => unroll(4, (i) => `  var ${sum}${i} = vec4f();`)).join("\n")}
  for (var d = 0u; d < ${depth}u; d += ${factor}u) {
    let at = channels + d;
${
    unroll(factor, (n) =>
      products.map(({ sum, rows, keyOffset }) =>
        wgsl`{
${
          unroll(
            4,
            (i) =>
              `let left${i} = vec4f(${rows.name}[query${i} * ${rows.stride}u + at + ${rows.offset + n}u]);`,
          )
        }
${unroll(4, (j) => `let right${j} = vec4f(qkv[key${j} * ${stride}u + at + ${keyOffset + n}u]);`)}
${unroll(4, (i) => `${sum}${i} += ${vec4((j) => `dot(left${i}, right${j})`)};`)}
}`
      ).join("\n"))
  }
  }`;
}

/** e = exp(s − highest of the row), 0 where the query must not see the key, and kept = m · e. One barrier. */
export function exponentials(shape: ByteAttentionShape, { width }: Layout): string {
  const { S, D } = shape;
  return wgsl`
  let keys = vec4u(4u * column) + vec4u(0u, 1u, 2u, 3u);
${
    unroll(4, (i) =>
      wgsl`
  let valid${i} = (keys <= vec4u(4u * row + ${i}u))${
        S % 4 === 0 ? "" : ` & vec4<bool>(4u * row + ${i}u < ${S}u)`
      };
  s${i} = select(vec4f(${lowest}), s${i} * ${scale(D)}, valid${i});`)
  }
  maxima[lane] = ${vec4((i) => largest(`s${i}`))};
  workgroupBarrier();
  var highest = maxima[lane - column];
${unroll(width - 1, (n) => `  highest = max(highest, maxima[lane - column + ${n + 1}u]);`)}
${
    unroll(4, (i) =>
      wgsl`
  let e${i} = select(vec4f(), exp(s${i} - ${component("highest", i)}), valid${i});
  let kept${i} = ${masked(shape, `e${i}`, `(pair * ${S}u + 4u * row + ${i}u) * ${S}u + 4u * column`, 1)};`)
  }`;
}

/** Where the lane's vec4 of row i stands in an array of weights. */
export function weightAt({ width }: Layout, i: number): string {
  return `tile + (4u * row + ${i}u) * ${width}u + column`;
}

/**
 * Stores finish(Σⱼ weights[rowᵢ, j] · matrix[j]) for the lane's four rows; its lanes of a row share the channels.
 */
export function product(
  { N, S, H }: ByteAttentionShape,
  { width, depth }: Layout,
  weights: string,
  matrix: Matrix,
  target: Matrix,
  finish: (sum: string, i: number) => string,
): string {
  // 4 rows × 4 vec4 are 64 registers, what a lane can spare.
  const count = Math.min(4, divideUp(depth, width));
  const partial = depth % (count * width) !== 0;
  const channel = (c: number) => {
    const index = `c + ${c * width}u`;
    return partial && c > 0 ? `min(${index}, ${depth - 1}u)` : index;
  };
  const guard = (i: number, c: number) =>
    [
      S % 4 === 0 ? "" : `4u * row + ${i}u < ${S}u`,
      partial && c > 0 ? `c + ${c * width}u < ${depth}u` : "",
    ].filter(Boolean).join(" && ");
  return wgsl`
  for (var c = column; c < ${depth}u; c += ${count * width}u) {
${unroll(count, (c) => unroll(4, (i) => `    var sum${i}_${c} = vec4f();`))}
    for (var j = 0u; j < ${width}u; j++) {
${
    unroll(4, (j) =>
      `      let at${j} = (first + ${
        position(S, `4u * j + ${j}u`)
      }) * ${matrix.stride}u + channels + ${matrix.offset}u;`)
  }
      ${
    accumulate(
      count,
      (i, c) => `sum${i}_${c}`,
      (i) => `${weights}[tile + (4u * row + ${i}u) * ${width}u + j]`,
      (j, c) => `vec4f(${matrix.name}[at${j} + ${channel(c)}])`,
    )
  }
    }
    if (wanted < ${N * H}u) {
${
    unroll(4, (i) =>
      unroll(count, (c) => {
        const when = guard(i, c);
        return `      ${
          when && `if (${when}) `
        }{ ${target.name}[query${i} * ${target.stride}u + channels + ` +
          `${target.offset}u + ${channel(c)}] = ${target.name}Element(${finish(`sum${i}_${c}`, i)}); }`;
      }))
  }
    }
  }`;
}

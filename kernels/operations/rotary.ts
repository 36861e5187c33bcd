/**
 * Rotary positions (Su et al., RoFormer, 2021): queries and keys are turned by their position, so that their products
 * depend on how far apart they stand. In each head the pair (d, d + D/2) of q and of k becomes, in place,
 *
 *   x_d · cos α − x_{d + D/2} · sin α,  x_d · sin α + x_{d + D/2} · cos α  with α = position · θ^(−2d/D), d < D/2.
 *
 * Backward the gradients are turned back. Values are left alone.
 *
 * In f32 an angle of thousands of turns would have no digits left, so angles are counted in turns of 2³² parts: the
 * position times θ^(−2d/D) / 2π, rounded to u32, modulo 2³². The sine and cosine of what is left of a quarter turn are
 * polynomials, because WGSL's own are good to 2⁻¹¹ only.
 *
 * qkv [R, 3·H·D] (all heads' q, then k, then v), fileStart [R], sequences [B, 4]
 * @module
 */
import {
  type Dispatch,
  divideUp,
  foldWidth,
  foldWorkgroups,
  type Kernel,
  read,
  type Tolerance,
  update,
  wgsl,
} from "../kernel.ts";
import { checkChannels } from "./attention_tile.ts";
import { assemblyRow, rowInFile, rowInFileWgsl, type SequenceRow } from "./sequence_rows.ts";
import { sequenceWords } from "./sequences.ts";

/** Sizes and direction of {@linkcode rotary}. */
export type RotaryShape = {
  /** Rows. */
  readonly R: number;
  /** Heads. */
  readonly H: number;
  /** Channels of a head: a multiple of 4, at most 64. */
  readonly D: number;
  /** θ: the slowest pair takes nearly 2π · θ rows for a turn. */
  readonly theta: number;
  /** Whether rows are turned back, as their gradients are. */
  readonly inverse: boolean;
};

/** Sizes of {@linkcode newRowRotary}, and which row is new. */
export type NewRowRotaryShape = Pick<RotaryShape, "H" | "D" | "theta"> & {
  /** Sequences. */
  readonly B: number;
  /** Which row of its file a sequence is at. */
  readonly row: SequenceRow;
  /** Bytes of a patch. */
  readonly S: number;
};

/** Parts of a turn in which angles are counted. */
const turn = 2 ** 32;

/** How many times the next pair's angle is this one's. */
function angleRatio({ D, theta }: Pick<RotaryShape, "D" | "theta">): number {
  return theta ** (-2 / D);
}

/**
 * The angle of each of the D / 2 pairs of a head from one position to the next, in parts of a turn. The assembly makes
 * them in the same way.
 */
export function rotaryTurns(shape: Pick<RotaryShape, "D" | "theta">): Uint32Array {
  const turns = new Uint32Array(shape.D / 2);
  let exact = turn / (2 * Math.PI);
  for (let d = 0; d < turns.length; d++) {
    turns[d] = Math.floor(exact + 0.5);
    exact *= angleRatio(shape);
  }
  return turns;
}

/** Turns a row's queries and keys by its position; `direction` is −1 to turn them back. */
function rotateRow(
  { H, D }: RotaryShape | NewRowRotaryShape,
  turns: Uint32Array,
  row: Float64Array,
  position: number,
  direction: number,
): void {
  const half = D / 2;
  for (let d = 0; d < half; d++) {
    const angle = Math.imul(position, turns[d]!) * (2 * Math.PI / turn);
    const cosine = Math.cos(angle);
    const sine = direction * Math.sin(angle);
    for (let low = d; low < 2 * H * D; low += D) {
      const x = row[low]!;
      const y = row[low + half]!;
      row[low] = x * cosine - y * sine;
      row[low + half] = x * sine + y * cosine;
    }
  }
}

/** A lane turns four pairs, or one where a head's pairs are no multiple of four. */
function rotaryDispatch(
  rows: number,
  shape: RotaryShape | NewRowRotaryShape,
  position: string,
  direction: string,
): Dispatch {
  const { H, D } = shape;
  const wide = D % 8 === 0;
  const turns = rotaryTurns(shape);
  // What a head's half of pairs takes, in vectors or numbers.
  const half = wide ? D / 8 : D / 2;
  const table = Array.from(
    { length: half },
    (_, i) =>
      wide
        ? `vec4<u32>(${Array.from(turns.slice(4 * i, 4 * i + 4), (x) => `${x}u`).join(", ")})`
        : `${turns[i]}u`,
  );
  const count = rows * 2 * H * half;
  const groups = divideUp(count, 64);
  const [real, whole, signed] = wide ? ["vec4<f32>", "vec4<u32>", "vec4<i32>"] : ["f32", "u32", "i32"];
  const source = wgsl`
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * ${foldWidth(groups)}u + group.x) * 64u + lane;
  if (i >= ${count}u) { return; }
  let row = i / ${2 * H * half}u;
  var turns = array<${whole}, ${half}>(${table.join(", ")});
  let turn = ${whole}(${position}) * turns[i % ${half}u];
  // To the nearest quarter turn, and what is left.
  let quarter = (turn + ${whole}(0x20000000u)) >> ${whole}(30u);
  let angle = ${real}(bitcast<${signed}>(turn - (quarter << ${whole}(30u)))) * ${2 * Math.PI / turn}f;
  let square = angle * angle;
  let sine = angle + angle * square *
    (-1.6666650669e-1 + square * (8.3319786619e-3 + square * -1.9495635916e-4));
  let cosine = 1.0 - 0.5 * square + square * square *
    (4.1666646866e-2 + square * (-1.3887367515e-3 + square * 2.4438451477e-5));
  let odd = (quarter & ${whole}(1u)) != ${whole}(0u);
  let c = select(cosine, sine, odd) *
    select(${real}(1.0), ${real}(-1.0), ((quarter + ${whole}(1u)) & ${whole}(2u)) != ${whole}(0u));
  let s = select(sine, cosine, odd) *
    select(${real}(${direction}1.0), ${real}(-(${direction}1.0)), (quarter & ${whole}(2u)) != ${whole}(0u));
  let low = row * ${6 * H * half}u + i / ${half}u % ${2 * H}u * ${2 * half}u + i % ${half}u;
  let high = low + ${half}u;
  let x = qkv[low];
  let y = qkv[high];
  qkv[low] = x * c - y * s;
  qkv[high] = x * s + y * c;
}`;
  return {
    source,
    workgroups: foldWorkgroups(groups),
    vectors: wide ? ["qkv", "sequences"] : ["sequences"],
  };
}

/** @throws {RangeError} when D is no size of a head, or θ would turn a pair faster than the first */
function checkRotary(shape: RotaryShape | NewRowRotaryShape): void {
  checkChannels(shape);
  if (!(shape.theta >= 1 && shape.theta < Infinity)) {
    throw new RangeError(
      `Cannot plan rotary positions with theta ${shape.theta}: it must be at least 1; 10,000 is usual`,
    );
  }
}

const tolerance: Tolerance = {
  absolute: 0,
  relative: 4e-7,
  reason: "the sine and cosine are good to 1.2e-7, two products and their sum are rounded",
};

/** Turns the queries and keys of every row by its position in its file, which is r − fileStart[r]. */
export const rotary: Kernel<RotaryShape, "qkv", "fileStart"> = {
  name: "rotary",
  operands(shape) {
    checkRotary(shape);
    const { R, H, D } = shape;
    return { fileStart: read(R, "u32"), qkv: update(R * 3 * H * D) };
  },
  dispatches: (shape) => [rotaryDispatch(shape.R, shape, "row - fileStart[row]", shape.inverse ? "-" : "")],
  assembly: (shape) => [{
    function: "rotary",
    arguments: ["qkv", "fileStart", shape.R, shape.H, shape.D, angleRatio(shape), Number(shape.inverse)],
  }],
  reference(shape, { qkv, fileStart }) {
    const { R, H, D, inverse } = shape;
    const turns = rotaryTurns(shape);
    for (let r = 0; r < R; r++) {
      const row = qkv.subarray(r * 3 * H * D, (r + 1) * 3 * H * D);
      rotateRow(shape, turns, row, r - fileStart[r]!, inverse ? -1 : 1);
    }
  },
  cost: ({ R, H, D }) => ({ flops: 6 * R * H * D, bytes: 4 * R * (4 * H * D + 1) }),
  tolerance,
};

/** The same for the one row of each sequence that is new in generation, at its place in its file. */
export const newRowRotary: Kernel<NewRowRotaryShape, "qkv", "sequences"> = {
  name: "newRowRotary",
  operands(shape) {
    checkRotary(shape);
    const { B, H, D } = shape;
    return { sequences: read(B * sequenceWords, "u32"), qkv: update(B * 3 * H * D) };
  },
  dispatches: (shape) => [rotaryDispatch(shape.B, shape, rowInFileWgsl(shape.row, "row", shape.S), "")],
  assembly: (shape) => [{
    function: "newRowRotary",
    arguments: [
      "qkv",
      "sequences",
      ...[shape.B, shape.H, shape.D, angleRatio(shape), assemblyRow(shape.row), shape.S],
    ],
  }],
  reference(shape, { qkv, sequences }) {
    const { B, H, D, row, S } = shape;
    const turns = rotaryTurns(shape);
    for (let b = 0; b < B; b++) {
      const own = qkv.subarray(b * 3 * H * D, (b + 1) * 3 * H * D);
      rotateRow(shape, turns, own, rowInFile(row, sequences, b, S), 1);
    }
  },
  cost: ({ B, H, D }) => ({ flops: 6 * B * H * D, bytes: 4 * B * (4 * H * D + 4) }),
  tolerance,
};

// Muon's momentum and update, as kernels/operations/muon.ts defines them, and what kernels/operations/unit_norm.ts and
// newton_schulz.ts do between the products of its orthogonalisation.
//
// gradient, moment, parameter [rows, matrices · columns]; direction [matrices, rows, columns]; norm [2]
import { loadLanes, storeLanes } from "./lanes";
import { multiplyAdd } from "./math";
import { elementStart, partStart } from "./parts";
import { learningRate } from "./step";

/**
 * m ← μ·m + g and direction ← g + μ·m with g = gradient · norm[1]; where norm[1] < 0 g is 0 and m stays. Threads share
 * rows.
 */
export function muonMomentum(
  gradient: usize,
  moment: usize,
  norm: usize,
  direction: usize,
  rows: i32,
  columns: i32,
  matrices: i32,
  momentum: f32,
  part: i32,
  parts: i32,
): void {
  const scale = load<f32>(norm, 4);
  const scales = f32x4.splat(scale), kept = f32x4.splat(momentum);
  const end = partStart(rows, part + 1, parts);
  for (let row = partStart(rows, part, parts); row < end; row++) {
    for (let matrix = 0; matrix < matrices; matrix++) {
      const from = <usize> ((row * matrices + matrix) * columns) << 2;
      const out = direction + (<usize> ((matrix * rows + row) * columns) << 2);
      for (let column = 0; column < columns; column += 4) {
        const lanes = min(4, columns - column), at = from + (<usize> column << 2);
        let m = loadLanes(moment + at, lanes), g = f32x4.splat(0);
        if (scale >= 0) {
          g = f32x4.mul(loadLanes(gradient + at, lanes), scales);
          m = multiplyAdd(kept, m, g);
          storeLanes(moment + at, m, lanes);
        }
        storeLanes(out + (<usize> column << 2), multiplyAdd(kept, m, g), lanes);
      }
    }
  }
}

/** p ← p − lr · (decay · p + scale · direction); nothing changes where norm[1] < 0. Threads share rows. */
export function muonUpdate(
  step: usize,
  parameter: usize,
  direction: usize,
  norm: usize,
  rows: i32,
  columns: i32,
  matrices: i32,
  decay: f32,
  scale: f32,
  part: i32,
  parts: i32,
): void {
  if (load<f32>(norm, 4) < 0) return;
  const rate = f32x4.splat(learningRate(step)), decays = f32x4.splat(decay), scales = f32x4.splat(scale);
  const end = partStart(rows, part + 1, parts);
  for (let row = partStart(rows, part, parts); row < end; row++) {
    for (let matrix = 0; matrix < matrices; matrix++) {
      const to = parameter + (<usize> ((row * matrices + matrix) * columns) << 2);
      const from = direction + (<usize> ((matrix * rows + row) * columns) << 2);
      for (let column = 0; column < columns; column += 4) {
        const lanes = min(4, columns - column), at = <usize> column << 2;
        const p = loadLanes(to + at, lanes);
        const change = multiplyAdd(decays, p, f32x4.mul(scales, loadLanes(from + at, lanes)));
        storeLanes(to + at, f32x4.sub(p, f32x4.mul(rate, change)), lanes);
      }
    }
  }
}

/** x ← x / √ Σ scratch, with the sums of squares of its chunks in the scratch; 0 where that is 0. */
export function unitNorm(x: usize, scratch: usize, length: i32, chunks: i32, part: i32, parts: i32): void {
  let squares: f64 = 0;
  for (let chunk = 0; chunk < chunks; chunk++) squares += <f64> load<f32>(scratch + (<usize> chunk << 2));
  const scale = f32x4.splat(squares > 0 ? <f32> (1 / sqrt<f64>(squares)) : 0);
  const end = elementStart(length, part + 1, parts);
  for (let i = elementStart(length, part, parts); i < end; i += 4) {
    const at = x + (<usize> i << 2), lanes = min(4, end - i);
    storeLanes(at, f32x4.mul(loadLanes(at, lanes), scale), lanes);
  }
}

/** square ← a·I + b·gram + c·square, both [n, n]. */
export function newtonSchulz(
  gram: usize,
  square: usize,
  n: i32,
  a: f32,
  b: f32,
  c: f32,
  part: i32,
  parts: i32,
): void {
  const bs = f32x4.splat(b), cs = f32x4.splat(c);
  const end = partStart(n, part + 1, parts);
  for (let row = partStart(n, part, parts); row < end; row++) {
    const start = <usize> (row * n) << 2;
    for (let column = 0; column < n; column += 4) {
      const lanes = min(4, n - column), at = start + (<usize> column << 2);
      const sum = multiplyAdd(cs, loadLanes(square + at, lanes), f32x4.mul(bs, loadLanes(gram + at, lanes)));
      storeLanes(square + at, sum, lanes);
    }
    const diagonal = square + start + (<usize> row << 2);
    store<f32>(diagonal, load<f32>(diagonal) + a);
  }
}

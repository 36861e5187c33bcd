// y[length] ← residual[length] + mask ⊙ x[length] / (1 − rate); residual 0 is none.
import { loadLanes, storeLanes } from "./lanes";
import { elementStart } from "./parts";
import { dropoutFactors, dropoutThreshold, mixed, mixedCounters, multiplier, randomWords } from "./random";
import { dropoutRate, dropoutSeed, firstPatch } from "./step";

export function dropout(
  step: usize,
  x: usize,
  residual: usize,
  y: usize,
  length: i32,
  stream: i32,
  maskStride: i32,
  part: i32,
  parts: i32,
): void {
  const rate = dropoutRate(step);
  const threshold = i32x4.splat(dropoutThreshold(rate));
  const kept = f32x4.splat(1 / (1 - rate));
  const streams = i32x4.splat(mixed(stream));
  const seeds = i32x4.splat(mixed(dropoutSeed(step)));
  const from = elementStart(length, part, parts);
  const to = elementStart(length, part + 1, parts);
  const rest = to & 3;
  let counters = mixedCounters(firstPatch(step) * maskStride + from);

  for (let i = from; i < to; i += 4) {
    const count = to - i < 4 ? rest : 4;
    const at: usize = <usize> i << 2;
    const factors = dropoutFactors(randomWords(counters, streams, seeds), threshold, kept);
    let result = f32x4.mul(factors, loadLanes(x + at, count));
    if (residual) result = f32x4.add(loadLanes(residual + at, count), result);
    storeLanes(y + at, result, count);
    counters = i32x4.add(counters, i32x4.splat(4 * multiplier));
  }
}

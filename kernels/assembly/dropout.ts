// y[length] ← residual[length] + mask ⊙ x[length] / (1 − rate); residual 0 is none.
import { loadFirst, storeFirst } from "./lanes";
import { elementStart } from "./parts";
import { dropoutFactors, dropoutThreshold, mixed, mixedCounters, multiplier, randomWords } from "./random";
import { dropoutRate, dropoutSeed } from "./step";

export function dropout(
  step: usize,
  x: usize,
  residual: usize,
  y: usize,
  length: i32,
  stream: i32,
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
  let counters = mixedCounters(from);

  let at: usize = <usize> from << 2;
  const whole: usize = <usize> (to & ~3) << 2;
  for (; at < whole; at += 16) {
    const factors = dropoutFactors(randomWords(counters, streams, seeds), threshold, kept);
    let result = f32x4.mul(factors, v128.load(x + at));
    if (residual) result = f32x4.add(v128.load(residual + at), result);
    v128.store(y + at, result);
    counters = i32x4.add(counters, i32x4.splat(4 * multiplier));
  }

  const rest = to & 3;
  if (rest) {
    const factors = dropoutFactors(randomWords(counters, streams, seeds), threshold, kept);
    let result = f32x4.mul(factors, loadFirst(x + at, rest));
    if (residual) result = f32x4.add(loadFirst(residual + at, rest), result);
    storeFirst(y + at, rest, result);
  }
}

// Draws the next byte of every sequence, as kernels/operations/sampling.ts defines it: exponentials in f32, sums in f64.
//
// logits [B, V], row u32 [B, S], sequences u32 [B, 4], sampling u32 [8]
import { exp } from "./math";
import { partStart } from "./parts";
import { mixed, randomWords } from "./random";
import { scratch } from "./scratch";
import { endToken } from "./sequences";

/** A thread takes whole sequences. */
export function sample(
  logits: usize,
  row: usize,
  sequences: usize,
  sampling: usize,
  B: i32,
  S: i32,
  V: i32,
  part: i32,
  parts: i32,
): void {
  const greedy = load<u32>(sampling, 16) == 1, ignoreEnd = load<u32>(sampling, 20) == 1;
  const count = ignoreEnd ? V - 1 : V;
  const end = partStart(B, part + 1, parts);
  for (let b = partStart(B, part, parts); b < end; b++) {
    const state = sequences + (<usize> b << 4);
    const byteCount = load<u32>(state, 4), finished = load<u32>(state, 8);
    if (finished != 0 || byteCount >= <u32> S) continue;
    const place = row + (<usize> (b * S + byteCount) << 2);
    if (load<u32>(place) != endToken) {
      store<u32>(state, byteCount + 1, 4);
      continue;
    }
    const own = logits + (<usize> (b * V) << 2);
    let token = mostProbable(own, count);
    if (!greedy) {
      const peak = load<f32>(own + (<usize> token << 2));
      const counter = load<u32>(state) * S + byteCount;
      token = draw(own, count, peak, sampling, uniform(counter, load<u32>(state, 12), load<u32>(sampling, 12)));
    }
    store<u32>(place, token);
    store<u32>(state, byteCount + 1, 4);
    store<u32>(state, <u32> (token == V - 1), 8);
  }
}

/** The token with the largest logit, of equals the lowest. */
function mostProbable(logits: usize, count: i32): i32 {
  let token = 0;
  let largest = load<f32>(logits);
  for (let v = 1; v < count; v++) {
    const logit = load<f32>(logits + (<usize> v << 2));
    if (logit > largest) {
      largest = logit;
      token = v;
    }
  }
  return token;
}

/** The number in [0, 1) of kernels/random.ts. */
function uniform(counter: i32, stream: i32, seed: i32): f64 {
  const words = randomWords(i32x4.splat(mixed(counter)), i32x4.splat(mixed(stream)), i32x4.splat(mixed(seed)));
  return <f64> (<u32> i32x4.extract_lane(words, 0) >>> 8) / 16777216;
}

/** The first of the tokens 0 … count − 1 left by the filters whose cumulative probability exceeds u. */
function draw(logits: usize, count: i32, peak: f32, sampling: usize, u: f64): i32 {
  const topK = load<u32>(sampling), topP = <f64> load<f32>(sampling, 4), temperature = load<f32>(sampling, 8);
  const bytes = <usize> count << 2;
  // Rounded up to whole vectors, whose last lanes nobody reads.
  const room = (bytes + 15) & ~15;
  const weights = scratch(), ranked = weights + room;
  const kept = topK == 0 ? count : <i32> min(topK, <u32> count);
  if (kept == count && topP >= 1) {
    weigh(weights, logits, count, peak, temperature);
  } else {
    weigh(weights, logits, count, peak, 1);
    rank(ranked, logits, count);
    const left = leftByTopP(weights, ranked, kept, topP);
    weigh(weights, logits, count, peak, temperature);
    for (let place = left; place < count; place++) {
      store<f32>(weights + (<usize> load<u32>(ranked + (<usize> place << 2)) << 2), 0);
    }
  }

  let total: f64 = 0;
  for (let at: usize = 0; at < bytes; at += 4) total += load<f32>(weights + at);
  let token = 0;
  let cumulative: f64 = 0;
  for (let v = 0; v < count; v++) {
    const weight = load<f32>(weights + (<usize> v << 2));
    if (weight == 0) continue;
    token = v;
    cumulative += weight;
    if (cumulative > u * total) break;
  }
  return token;
}

/** weights[v] ← exp((logits[v] − peak) / temperature): (p/Σ)^(1/T) but for factors that all tokens share. */
function weigh(weights: usize, logits: usize, count: i32, peak: f32, temperature: f32): void {
  const bytes = <usize> count << 2;
  memory.copy(weights, logits, bytes);
  for (let at = weights; at < weights + bytes; at += 16) {
    const below = f32x4.sub(v128.load(at), f32x4.splat(peak));
    v128.store(at, exp(f32x4.div(below, f32x4.splat(temperature))));
  }
}

/** ranked[0 … count) ← the tokens from the most to the least probable, of equals the lowest first (insertion sort). */
function rank(ranked: usize, logits: usize, count: i32): void {
  for (let v = 0; v < count; v++) {
    const logit = load<f32>(logits + (<usize> v << 2));
    let at = ranked + (<usize> v << 2);
    for (; at > ranked; at -= 4) {
      const before = load<u32>(at - 4);
      if (load<f32>(logits + (<usize> before << 2)) >= logit) break;
      store<u32>(at, before);
    }
    store<u32>(at, v);
  }
}

/** How many of the first `kept` ranked tokens top-p leaves: up to the one that crosses the threshold. */
function leftByTopP(weights: usize, ranked: usize, kept: i32, topP: f64): i32 {
  if (topP >= 1) return kept;
  let total: f64 = 0;
  for (let place = 0; place < kept; place++) total += weightAt(weights, ranked, place);
  let cumulative: f64 = 0;
  let left = 0;
  while (left < kept && cumulative < topP * total) cumulative += weightAt(weights, ranked, left++);
  return left;
}

// @ts-ignore: decorator
@inline
function weightAt(weights: usize, ranked: usize, place: i32): f64 {
  return load<f32>(weights + (<usize> load<u32>(ranked + (<usize> place << 2)) << 2));
}

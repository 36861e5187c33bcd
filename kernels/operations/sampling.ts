/**
 * Draws the next byte of B sequences where their logits are, because a read-back costs 10 ms and more in Deno.
 *
 * In the published order: softmax; top-k; top-p on what is left (the token that crosses the threshold stays);
 * temperature as exponent 1/T on the probabilities that are left; then the first token, in the order of ids, whose
 * cumulative probability exceeds a uniform number u. u is a pure function of the seed, the sequence's own random stream
 * and its position in the file, so what a sequence draws depends neither on B nor on its slot.
 *
 * logits [B, V], row [B, S], sequences [B, 4] (see sequences.ts)
 * @module
 */
import { divideUp, foldWidth, foldWorkgroups, type Kernel, read, update, wgsl } from "../kernel.ts";
import { randomUniform, randomWgsl } from "../random.ts";
import { reductionWgsl, workgroupThreads } from "../reduction.ts";
import { decodeSampling, samplingLength, type SamplingValues, samplingWgsl } from "../sampling_words.ts";
import { endToken, sequenceWords } from "./sequences.ts";

/**
 * The probabilities that a token is drawn with: softmax, top-k, top-p and temperature in this order.
 * @param logits one for each token; the last token is the end
 */
export function filteredProbabilities(
  logits: ArrayLike<number>,
  { topK, topP, temperature, ignoreEnd }: Omit<SamplingValues, "seed" | "greedy">,
): Float64Array {
  const V = logits.length;
  const ranked = rankTokens(logits, ignoreEnd);
  const largest = logits[ranked[0]!]!;
  let kept = new Float64Array(V);
  for (const v of ranked) kept[v] = Math.exp(logits[v]! - largest);
  kept = normalise(kept);

  if (topK > 0) {
    for (const v of ranked.slice(topK)) kept[v] = 0;
    kept = normalise(kept);
  }
  if (topP < 1) {
    let cumulative = 0;
    for (const v of ranked) {
      const before = cumulative;
      cumulative += kept[v]!;
      if (before >= topP) kept[v] = 0;
    }
    kept = normalise(kept);
  }
  // Of the largest, which at any temperature stays 1: alone, all of them may become 0 at a low one.
  const most = kept[ranked[0]!]!;
  return normalise(kept.map((p) => (p / most) ** (1 / temperature)));
}

/** Tokens from the most to the least probable, of equals the lowest first. */
function rankTokens(logits: ArrayLike<number>, ignoreEnd: boolean): number[] {
  const tokens = Array.from({ length: ignoreEnd ? logits.length - 1 : logits.length }, (_, v) => v);
  return tokens.sort((a, b) => logits[b]! - logits[a]! || a - b);
}

function normalise(weights: Float64Array): Float64Array<ArrayBuffer> {
  const total = weights.reduce((sum, w) => sum + w, 0);
  return Float64Array.from(weights, (w) => w / total);
}

/** The first token whose cumulative probability exceeds u; the last possible one where rounding leaves none. */
function drawToken(probabilities: Float64Array, u: number): number {
  let token = 0;
  let cumulative = 0;
  for (const [v, p] of probabilities.entries()) {
    if (p === 0) continue;
    token = v;
    cumulative += p;
    if (cumulative > u) break;
  }
  return token;
}

/**
 * Draws the next byte of every sequence that is not finished and whose patch is not full, from the logits of that byte;
 * the end token (V − 1) finishes the sequence. A byte that stands in `row` already was given, and is kept.
 *
 * A workgroup draws for one sequence. Tokens are ranked by counting those before them, by their logits: these are the
 * same numbers here and in the reference, where rounded exponentials could change places.
 */
export const sample: Kernel<
  { readonly B: number; readonly S: number; readonly V: number },
  "logits",
  "row" | "sequences" | "sampling"
> = {
  name: "sample",
  operands: ({ B, S, V }) => ({
    logits: read(B * V),
    row: update(B * S, "u32"),
    sequences: update(B * sequenceWords, "u32"),
    sampling: read(samplingLength, "u32"),
  }),
  dispatches({ B, S, V }, device) {
    // A thread has the tokens lane, lane + 256, …: its slots, each with variables of its own.
    const slots = Array.from({ length: divideUp(V, workgroupThreads) }, (_, slot) => slot);
    const each = (line: (slot: number) => string) => slots.map(line).join("\n  ");
    const sum = (term: (slot: number) => string) => slots.map(term).join(" + ");
    const load = each((slot) =>
      wgsl`let v${slot} = lane + ${workgroupThreads * slot}u;
  var score${slot} = removed;
  if (v${slot} < ${V}u) {
    if (!(ignoreEnd && v${slot} == ${V - 1}u)) { score${slot} = logits[first + v${slot}]; }
    scores[v${slot}] = score${slot};
  }
  peak = max(peak, score${slot});`
    );
    const weigh = each((slot) =>
      wgsl`let weight${slot} = select(0.0, exp(score${slot} - peak), score${slot} > removed);
  if (v${slot} < ${V}u) { weights[v${slot}] = weight${slot}; }
  var rank${slot} = 0u;
  var before${slot} = 0.0;`
    );
    const count = each((slot) =>
      wgsl`if (score > score${slot} || (score == score${slot} && other < v${slot})) {
      rank${slot} += 1u;
      before${slot} += weight;
    }`
    );
    const choose = each((slot) =>
      wgsl`let among${slot} = v${slot} < ${V}u && score${slot} > removed && rank${slot} < k;
  if (among${slot} && rank${slot} == 0u) { mostProbable = v${slot}; }`
    );
    // (p/Σ)^(1/T) without the factors that the last division takes out again.
    const temper = each((slot) =>
      wgsl`let kept${slot} = among${slot} && (topP >= 1.0 || before${slot} < topP * amongTotal);
  let tempered${slot} = select(0.0, exp((score${slot} - peak) / temperature), kept${slot});
  if (v${slot} < ${V}u) { weights[v${slot}] = tempered${slot}; }`
    );
    const source = wgsl`
${randomWgsl}
${reductionWgsl("largest", "f32", workgroupThreads, "max", device)}
${reductionWgsl("sum", "f32", workgroupThreads, "+", device)}
const removed = -3.4e38;
var<workgroup> scores: array<f32, ${V}>;
var<workgroup> weights: array<f32, ${V}>;
var<workgroup> state: vec4<u32>;
var<workgroup> standing: u32; // what stands in the row
var<workgroup> mostProbable: u32;
@compute @workgroup_size(${workgroupThreads})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let b = group.y * ${foldWidth(B)}u + group.x;
  if (b >= ${B}u) { return; }
  if (lane == 0u) {
    state = sequences[b];
    standing = row[b * ${S}u + min(state.y, ${S - 1}u)];
  }
  let sequence = workgroupUniformLoad(&state);
  if (sequence.z != 0u || sequence.y >= ${S}u) { return; }
  if (workgroupUniformLoad(&standing) != ${endToken}u) {
    if (lane == 0u) { sequences[b].y = sequence.y + 1u; }
    return;
  }

  let first = b * ${V}u;
  let ignoreEnd = ${samplingWgsl("ignoreEnd")};
  var peak = removed;
  ${load}
  peak = largest(peak, lane);
  ${weigh}
  workgroupBarrier();
  for (var other = 0u; other < ${V}u; other++) {
    let score = scores[other];
    let weight = weights[other];
    ${count}
  }

  let k = select(${samplingWgsl("topK")}, ${V}u, ${samplingWgsl("topK")} == 0u);
  ${choose}
  let amongTotal = sum(${sum((slot) => `select(0.0, weight${slot}, among${slot})`)}, lane);
  let topP = ${samplingWgsl("topP")};
  let temperature = ${samplingWgsl("temperature")};
  workgroupBarrier();
  ${temper}
  workgroupBarrier();
  let total = sum(${sum((slot) => `tempered${slot}`)}, lane);

  if (lane == 0u) {
    var token = mostProbable;
    if (!${samplingWgsl("greedy")}) {
      let u = randomUniform(sequence.x * ${S}u + sequence.y, sequence.w, ${samplingWgsl("seed")});
      var cumulative = 0.0;
      for (var v = 0u; v < ${V}u; v++) {
        if (weights[v] > 0.0) {
          token = v;
          cumulative += weights[v];
          if (cumulative > u * total) { break; }
        }
      }
    }
    row[b * ${S}u + sequence.y] = token;
    sequences[b] = vec4<u32>(sequence.x, sequence.y + 1u, u32(token == ${V - 1}u), sequence.w);
  }
}`;
    return [{ source, workgroups: foldWorkgroups(B), vectors: ["sequences"] }];
  },
  assembly: ({ B, S, V }) => [{
    function: "sample",
    arguments: ["logits", "row", "sequences", "sampling", B, S, V],
  }],
  reference({ B, S, V }, { logits, row, sequences, sampling }) {
    const choices = decodeSampling(sampling);
    for (let b = 0; b < B; b++) {
      const [patchCount, byteCount, finished, stream] = sequences.subarray(4 * b, 4 * b + 4);
      if (finished !== 0 || byteCount! >= S) continue;
      if (row[b * S + byteCount!] !== endToken) {
        sequences[4 * b + 1] = byteCount! + 1;
        continue;
      }
      const own = logits.subarray(b * V, (b + 1) * V);
      const u = randomUniform(patchCount! * S + byteCount!, stream!, choices.seed);
      const token = choices.greedy
        ? rankTokens(own, choices.ignoreEnd)[0]!
        : drawToken(filteredProbabilities(own, choices), u);
      row[b * S + byteCount!] = token;
      sequences[4 * b + 1] = byteCount! + 1;
      sequences[4 * b + 2] = Number(token === V - 1);
    }
  },
  cost: ({ B, V }) => ({ flops: 3 * B * V * V, bytes: 4 * B * V }),
  tolerance: {
    absolute: 0,
    relative: 0,
    reason: "tokens are whole; only where u or top-p is within 1e-6 of a boundary can the neighbour be drawn",
  },
};

// What a batch of classified files adds up to: lossNats, weights, targets, best [B]; sums [4].

/**
 * sums += [Σ lossNats, Σ weights, Σ weights where best = target, 0], in f64 in the order of the files, by one thread: a
 * strip holds hundreds of files.
 */
export function classSums(
  lossNats: usize,
  targets: usize,
  best: usize,
  weights: usize,
  sums: usize,
  B: i32,
  part: i32,
  parts: i32,
): void {
  if (part != 0) return;
  let loss: f64 = 0;
  let weight: f64 = 0;
  let hits: f64 = 0;
  for (let at: usize = 0; at < <usize> B << 2; at += 4) {
    const own = <f64> load<f32>(weights + at);
    loss += <f64> load<f32>(lossNats + at);
    weight += own;
    if (load<u32>(best + at) == load<u32>(targets + at)) hits += own;
  }
  store<f32>(sums, <f32> (<f64> load<f32>(sums) + loss));
  store<f32>(sums, <f32> (<f64> load<f32>(sums, 4) + weight), 4);
  store<f32>(sums, <f32> (<f64> load<f32>(sums, 8) + hits), 8);
}

import { partStart } from "./parts";
import { rowLargest } from "./row_largest";

/** best[R] ← argmaxᵥ logits[R, V]: the first place where the largest logit stands. */
export function argmax(logits: usize, best: usize, R: i32, V: i32, part: i32, parts: i32): void {
  const end = partStart(R, part + 1, parts);
  for (let r = partStart(R, part, parts); r < end; r++) {
    const row = logits + (<usize> r * V << 2);
    const largest = rowLargest(row, V);
    let v = 0;
    while (v < V && load<f32>(row + (<usize> v << 2)) != largest) v++;
    store<i32>(best + (<usize> r << 2), v < V ? v : 0);
  }
}

import { partStart } from "./parts";

/** x[length] ← 0. */
export function clear(x: usize, length: i32, part: i32, parts: i32): void {
  const from = partStart(length, part, parts);
  const to = partStart(length, part + 1, parts);
  memory.fill(x + (<usize> from << 2), 0, <usize> (to - from) << 2);
}

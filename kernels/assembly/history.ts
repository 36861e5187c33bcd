import { historyRow } from "./step";

/** history[step.historyRow mod rows] ← [sums (4), norm (2), 0, 0]: history [rows, 8]. */
export function recordHistory(
  step: usize,
  sums: usize,
  norm: usize,
  history: usize,
  rows: u32,
  part: i32,
  parts: i32,
): void {
  if (part != 0) return;
  const row = history + (<usize> (historyRow(step) % rows) << 5);
  memory.copy(row, sums, 16);
  memory.copy(row + 16, norm, 8);
  memory.fill(row + 24, 0, 8);
}

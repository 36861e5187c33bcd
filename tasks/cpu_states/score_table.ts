import type { Compared, ModeScore, StateScoreReport, StateTally } from "./score.ts";

/**
 * A score as a table in plain text, each figure beside the trivial predictor's. Percentages are those of
 * {@linkcode formatPercentage}.
 * @param report what {@linkcode StateScore} gives
 * @returns lines, the last with no line feed; the empty text when nothing was scored
 */
export function formatStateScores(report: StateScoreReport): string {
  const tables: string[] = [];
  if (report.teacherForced) tables.push(modeTable("Teacher-forced", report.teacherForced));
  if (report.freeRunning) tables.push(modeTable("Free-running", report.freeRunning));
  return tables.join("\n\n");
}

function modeTable(title: string, score: ModeScore): string {
  const { total, predicted, trivial } = score;
  const all = [
    ["", "right", "trivial", "count"],
    ...([["bytes", "bytes"], ["whole states", "states"], ["whole runs", "runs"]] as const).map((
      [name, what],
    ) => [
      name,
      formatPercentage(predicted[what], total[what]),
      formatPercentage(trivial[what], total[what]),
      `${total[what]}`,
    ]),
  ];
  const shown = [
    ["executed", "bytes", "trivial", "states", "trivial", "count"],
    ...Object.entries(score.byInstruction).map(([name, tallies]) => [name, ...instructionCells(tallies)]),
  ];
  return [title, ...align(all), "", ...align(shown)].join("\n");
}

function instructionCells({ total, predicted, trivial }: Compared<StateTally>): string[] {
  return [
    formatPercentage(predicted.bytes, total.bytes),
    formatPercentage(trivial.bytes, total.bytes),
    formatPercentage(predicted.states, total.states),
    formatPercentage(trivial.states, total.states),
    `${total.states}`,
  ];
}

/**
 * So many of all, such as `99.85 %`; rounded down, so that `100.00 %` means all.
 * @returns `-` where there are none
 */
export function formatPercentage(right: number, total: number): string {
  return total === 0 ? "-" : `${(Math.floor((right * 10_000) / total) / 100).toFixed(2)} %`;
}

/** Pads each column to its widest cell, the first to the left and the others to the right. */
function align(rows: readonly string[][]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row.map((cell, column) => column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!)).join(
      "  ",
    )
  );
}

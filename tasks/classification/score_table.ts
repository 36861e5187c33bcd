import type { ClassificationReport } from "./score.ts";

/**
 * A score as plain text: figures beside the majority class, each class, the confusion matrix, calibration. Percentages
 * are rounded down, so that 100.00 % means all.
 * @param report what {@linkcode ClassificationScore} gives
 * @returns lines, the last with no line feed
 */
export function formatClassification(report: ClassificationReport): string {
  const { accuracy, macroF1, lossNats, majority, classes, confusion, calibration } = report;
  const figures = [
    ["accuracy", percentage(accuracy)],
    ["majority class", `${percentage(majority.accuracy)} (always ${majority.label})`],
    ["macro F1", macroF1.toFixed(4)],
    ["loss", `${lossNats.toFixed(4)} nats`],
    ["calibration error", percentage(calibration.error)],
  ].map(([name, value]) => `${name!.padEnd(20)}${value}`);
  const perClass = aligned([
    ["class", "precision", "recall", "F1", "files"],
    ...classes.map(({ label, precision, recall, f1, support }) => [
      label,
      percentage(precision),
      percentage(recall),
      f1.toFixed(4),
      `${support}`,
    ]),
  ]);
  const matrix = aligned([
    ["is \\ taken for", ...classes.map((_, k) => `${k}`)],
    ...confusion.map((row, k) => [`${k} ${classes[k]!.label}`, ...row.map(String)]),
  ]);
  const reliability = aligned([
    ["probability", "files", "mean", "right"],
    ...calibration.bins.filter(({ files }) => files > 0).map(({ from, to, files, confidence, accuracy }) => [
      `${from.toFixed(1)} to ${to.toFixed(1)}`,
      `${files}`,
      percentage(confidence),
      percentage(accuracy),
    ]),
  ]);
  return [figures, perClass, matrix, reliability].map((lines) => lines.join("\n")).join("\n\n");
}

function percentage(share: number): string {
  // The least excess keeps 0.29 · 100 from being 28.999….
  return `${(Math.floor(share * 10_000 + 1e-9) / 100).toFixed(2)} %`;
}

/** Pads each column to its widest cell, the first to the left and the others to the right. */
function aligned(rows: readonly string[][]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const pad = (cell: string, column: number) =>
    column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!);
  return rows.map((row) => row.map(pad).join("  "));
}

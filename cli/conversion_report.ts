import type { MusicScore } from "@bgpt/tasks";
import type { DirectionEvaluation } from "./conversion_evaluation.ts";
import { alignedLines } from "./doctor/text_table.ts";
import { lossRecord } from "./loss_record.ts";

/** The record of a conversion's evaluation, by direction: `abc->mid`. */
export function conversionRecord(
  directions: readonly DirectionEvaluation[],
): Record<string, unknown> {
  return Object.fromEntries(directions.map(({ from, to, pairs, tooLong, target, pair, ...rest }) => [
    `${from}->${to}`,
    { pairs, tooLong, target: lossRecord(target), pair: lossRecord(pair), ...rest },
  ]));
}

/** The same as a table in plain text, a column for each direction. */
export function conversionTable(directions: readonly DirectionEvaluation[]): string {
  const row = (name: string, cell: (direction: DirectionEvaluation) => string | undefined) => [
    name,
    ...directions.map((direction) => cell(direction) ?? "-"),
  ];
  const music = (name: string, cell: (music: MusicScore) => string) =>
    row(name, ({ conversion }) => conversion?.music && cell(conversion.music));
  const rows = [
    ["", ...directions.map(({ from, to }) => `${from} -> ${to}`)],
    row("pairs", ({ pairs }) => pairs.toLocaleString("en")),
    ["bits per byte"],
    row("  target, real bytes", ({ target }) => lossRecord(target).bpbBytes?.toFixed(4)),
    row("  target, as published", ({ target }) => lossRecord(target).bpb.toFixed(4)),
    row("  whole pair, as published", ({ pair }) => lossRecord(pair).bpb.toFixed(4)),
    row("  order-3 byte model, target", ({ baselines }) => baselines.order3.toFixed(4)),
    row("  xz -9, all targets in one", ({ baselines }) => baselines.xz?.toFixed(4) ?? "not installed"),
  ];
  if (directions.some(({ conversion }) => conversion !== undefined)) {
    rows.push(
      row("outputs", ({ conversion }) => conversion?.outputs.toLocaleString("en")),
      row("  ended by the model", ({ conversion: c }) => c && percentage(c.ended, c.outputs)),
      row("  every byte right", ({ conversion: c }) => c && percentage(c.exact, c.outputs)),
    );
  }
  if (directions.some(({ conversion }) => conversion?.music !== undefined)) {
    rows.push(
      music("  parse", (m) => percentage(m.parsed, m.outputs)),
      music("  play, track lengths made true", (m) => percentage(m.playable, m.outputs)),
      music("  every note right", (m) => percentage(m.allNotesRight, m.outputs)),
      music("notes", (m) => m.expectedNotes.toLocaleString("en")),
      music("  precision", (m) => percentage(m.precision, 1)),
      music("  recall", (m) => percentage(m.recall, 1)),
      music("  F1", (m) => percentage(m.f1, 1)),
    );
  }
  return alignedLines(rows, ["left", ...directions.map(() => "right" as const)]).join("\n");
}

/** Rounded down, so that 100.00 % means all. */
function percentage(part: number, whole: number): string {
  return whole === 0 ? "-" : `${(Math.floor(part / whole * 10_000) / 100).toFixed(2)} %`;
}

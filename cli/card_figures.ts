/**
 * The tables of a model card.
 * @module
 */

/** Names of the figures of an evaluation in words; others keep their name. */
const figureNames: Readonly<Record<string, string>> = {
  files: "files",
  patches: "patches",
  bytes: "bytes predicted",
  lossNats: "mean loss (nats)",
  bpb: "bits per byte, as published",
  bpbBytes: "bits per real byte",
  accuracy: "accuracy",
  macroF1: "macro F1",
  pairs: "pairs",
  tooLong: "sources too long",
  "target.lossNats": "target: mean loss (nats)",
  "target.bpb": "target: bits per byte, as published",
  "target.bpbBytes": "target: bits per real byte",
  "pair.lossNats": "whole pair: mean loss (nats)",
  "pair.bpb": "whole pair: bits per byte, as published",
  "pair.bpbBytes": "whole pair: bits per real byte",
  "baselines.order3": "an order-3 byte model, target: bits per byte",
  "baselines.xz": "xz -9, all targets in one: bits per byte",
  "conversion.outputs": "outputs",
  "conversion.ended": "outputs that the model ended",
  "conversion.exact": "outputs with every byte right",
  "conversion.music.outputs": "outputs compared by their notes",
  "conversion.music.parsed": "outputs that parse",
  "conversion.music.playable": "outputs that play, track lengths made true",
  "conversion.music.allNotesRight": "outputs with every note right",
  "conversion.music.expectedNotes": "notes expected",
  "conversion.music.actualNotes": "notes in the outputs",
  "conversion.music.rightNotes": "notes right",
  "conversion.music.precision": "notes: precision",
  "conversion.music.recall": "notes: recall",
  "conversion.music.f1": "notes: F1",
};

/** A table in Markdown. */
export function markdownTable(columns: readonly string[], rows: readonly (readonly unknown[])[]): string {
  const line = (cells: readonly unknown[]) => `| ${cells.join(" | ")} |`;
  return [line(columns), line(columns.map(() => "---")), ...rows.map(line)].join("\n");
}

/**
 * The figures of a record that `bgpt eval --json` wrote as a table, those of conversions with a column for each direction;
 * undefined where it has none.
 */
export function figuresTable(record: Readonly<Record<string, unknown>>): string | undefined {
  const directions = directionsIn(record);
  const columns = directions.length > 0
    ? directions.map(([name, figures]) => [`\`${name}\``, numbersIn(figures, true)] as const)
    : [["value", numbersIn(record, false)] as const];
  const keys = [...new Set(columns.flatMap(([, figures]) => [...figures.keys()]))];
  if (keys.length === 0) return undefined;
  const rows = keys.map((
    key,
  ) => [figureNames[key] ?? key, ...columns.map(([, figures]) => cell(figures.get(key)))]);
  return markdownTable(["figure", ...columns.map(([name]) => name)], rows);
}

/** The conversions that a record of `bgpt eval --pairs --json` has figures of, by their names, `abc->mid`. */
export function directionsIn(
  { directions }: Readonly<Record<string, unknown>>,
): [string, Readonly<Record<string, unknown>>][] {
  if (!isObject(directions)) return [];
  return Object.entries(directions).flatMap(([name, figures]) => isObject(figures) ? [[name, figures]] : []);
}

/** The numbers of a record, deep ones by the path to them: `target.bpb`. */
function numbersIn(record: Readonly<Record<string, unknown>>, deep: boolean, path = ""): Map<string, number> {
  return new Map(
    Object.entries(record).flatMap(([key, value]): [string, number][] => {
      if (typeof value === "number") return [[path + key, value]];
      return deep && isObject(value) ? [...numbersIn(value, deep, `${path}${key}.`)] : [];
    }),
  );
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function cell(value: number | undefined): string {
  if (value === undefined) return "-";
  return Number.isInteger(value) ? value.toLocaleString("en") : value.toFixed(4);
}

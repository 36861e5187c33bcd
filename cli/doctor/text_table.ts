/** A cell of a table: text, or a number that was already written with its unit. */
export type Cell = string;

/** How a column stands. */
export type Alignment = "left" | "right";

/**
 * Lines of a table whose columns stand under each other, two spaces apart and two spaces in.
 *
 * @param alignments of the columns; those beyond stand left
 */
export function alignedLines(
  rows: readonly (readonly Cell[])[],
  alignments: readonly Alignment[] = [],
): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.entries()) {
      widths[column] = Math.max(widths[column] ?? 0, cell.length);
    }
  }
  return rows.map((row) => {
    const cells = row.map((cell, column) =>
      alignments[column] === "right" ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!)
    );
    return `  ${cells.join("  ")}`.trimEnd();
  });
}

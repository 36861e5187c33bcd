/** Which columns of a table make an item. */
export interface TextColumns {
  /** Columns of the text, in their order; at least one. */
  readonly text: readonly string[];
  /** Column of the label, if it has one. */
  readonly label?: string;
}

/** What becomes a file. */
export interface TextItem {
  /** The columns of the text, each on a line of its own, without an end of line at the end. */
  readonly text: string;
  /** Fit for a file's name: `label_id` is read up to its first `_`. */
  readonly label?: string;
}

/**
 * Makes an item of a row. In a label `_`, `/`, `\`, spaces and control characters become `-`, as does a dot at its start.
 * @throws {RangeError} when a column is missing, or is no text; when all of the text is empty, or the label is
 */
export function textItem(cells: Readonly<Record<string, unknown>>, columns: TextColumns): TextItem {
  const text = columns.text.map((column) => textOf(cells, column)).join("\n");
  if (text.trim() === "") throw new RangeError("its text is empty");
  if (columns.label === undefined) return { text };
  // deno-lint-ignore no-control-regex -- they are what a name must not have
  const label = textOf(cells, columns.label).trim().replace(/[\x00-\x20\x7f_/\\]|^\./g, "-");
  if (label === "") throw new RangeError(`its label, column "${columns.label}", is empty`);
  return { text, label };
}

function textOf(cells: Readonly<Record<string, unknown>>, column: string): string {
  const cell = Object.hasOwn(cells, column) ? cells[column] : undefined;
  if (["string", "number", "bigint", "boolean"].includes(typeof cell)) return String(cell);
  throw new RangeError(
    cell === undefined
      ? `it has no column "${column}", it has ${Object.keys(cells).join(", ") || "none"}`
      : `its column "${column}" is ${
        cell === null ? "null" : `no text, but ${JSON.stringify(cell)?.slice(0, 60)}`
      }`,
  );
}

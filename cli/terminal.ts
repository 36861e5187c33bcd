/**
 * The two outputs of a command: what it is asked for goes to stdout, everything said along the way to stderr.
 * @module
 */

/** Standard output has no reader any more: the program ends quietly. */
export class ClosedOutputError extends Error {
  override name = "ClosedOutputError";
}

/** Either of the two outputs. */
export type OutputName = "stdout" | "stderr";

const encoder = new TextEncoder();

let silent = false;

/** From now on only errors are written: another rank of the same job says the rest. */
export function beSilent(): void {
  silent = true;
}

/**
 * Writes all bytes to stdout.
 *
 * @throws {ClosedOutputError} when the reader of stdout has gone
 */
export function writeBytes(bytes: Uint8Array): void {
  if (silent) return;
  try {
    writeAll(Deno.stdout, bytes);
  } catch (error) {
    if (error instanceof Deno.errors.BrokenPipe) throw new ClosedOutputError("stdout was closed");
    throw error;
  }
}

/**
 * Writes one line, or several, to stdout.
 *
 * @throws {ClosedOutputError} when the reader of stdout has gone
 */
export function print(text = ""): void {
  writeBytes(encoder.encode(`${text}\n`));
}

/**
 * Writes a record as exactly one line of JSON to stdout.
 *
 * @throws {ClosedOutputError} when the reader of stdout has gone
 */
export function printJson(record: Readonly<Record<string, unknown>>): void {
  print(JSON.stringify(record));
}

/** Writes one line, or several, to stderr; a closed stderr is no reason to stop. */
export function note(text = ""): void {
  writeNote(`${text}\n`);
}

/** Writes text to stderr as it is, without an end of line. */
export function writeNote(text: string): void {
  if (!silent) writeError(text);
}

/** Writes one line to stderr, also where all else is silent. */
export function complain(text: string): void {
  writeError(`${paint("error:", "red", "stderr")} ${text}\n`);
}

function writeError(text: string): void {
  try {
    writeAll(Deno.stderr, encoder.encode(text));
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}

/** The colours and weights of text in a terminal, as SGR codes. */
const styles = { bold: [1, 22], dim: [2, 22], red: [31, 39] } as const;

/** Styles the text where its output is a terminal and `NO_COLOR` is not set. */
export function paint(text: string, style: keyof typeof styles, output: OutputName): string {
  if (Deno.noColor || !Deno[output].isTerminal()) return text;
  const [on, off] = styles[style];
  return `\x1b[${on}m${text}\x1b[${off}m`;
}

function writeAll(output: { writeSync(bytes: Uint8Array): number }, bytes: Uint8Array): void {
  for (let written = 0; written < bytes.length;) written += output.writeSync(bytes.subarray(written));
}

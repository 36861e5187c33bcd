import type { TableRow } from "@bgpt/tasks/text";

/** Bytes as a stream in pieces of this size. */
export function piecesOf(
  bytes: Uint8Array<ArrayBuffer>,
  pieceBytes: number,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) return controller.close();
      controller.enqueue(bytes.slice(at, at += pieceBytes));
    },
  });
}

/** What a row holds, or why it does not, by its number. */
export async function readRows(rows: AsyncIterable<TableRow>): Promise<Record<number, unknown>> {
  const read: Record<number, unknown> = {};
  for await (const row of rows) {
    try {
      read[row.number] = row.cells();
    } catch (error) {
      read[row.number] = (error as SyntaxError).message;
    }
  }
  return read;
}

/** Most pixels of a side, those of a JPEG: while a picture is resized, each of its rows takes memory. */
const mostSide = 65_535;
/** Most pixels of a picture, 8192 × 8192. */
const mostPixels = 2 ** 26;

/**
 * What is wrong with the size that a header declares; undefined where nothing is. It is asked before anything of that
 * size is allocated, and before a library sees the file.
 */
export function sizeProblem(width: number, height: number): string | undefined {
  const size = `it is ${width} × ${height} pixels`;
  if (width < 1 || height < 1) return `${size}, at least 1 × 1 is required`;
  if (width <= mostSide && height <= mostSide && width * height <= mostPixels) return undefined;
  return `${size}, at most ${mostPixels} are read and ${mostSide} of a side. Make it smaller first`;
}

/**
 * What the error of a library's decoder says, in words for people: only errors that the library threw by intention have
 * some.
 */
export function decoderReason(error: unknown): string {
  const spoken = error instanceof Error && !(error instanceof TypeError || error instanceof RangeError);
  return spoken ? error.message.replace(/[\s:]+$/, "") : "its data are damaged. Copy it again";
}

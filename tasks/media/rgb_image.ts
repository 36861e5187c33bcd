/** A picture of 8 bits a channel, its rows from the top down. */
export interface RgbImage {
  /** Pixels of a row, at least 1. */
  readonly width: number;
  /** Rows, at least 1. */
  readonly height: number;
  /** Red, green and blue of every pixel: [height, width, 3]. */
  readonly pixels: Uint8Array;
}

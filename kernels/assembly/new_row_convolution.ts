// The convolution of the new byte row of each sequence, as kernels/operations/new_row_convolution.ts defines it, with the
// bits of byte_convolution.ts. Threads share channels.
//
// sequences u32 [B, 4], tokens u32 [B, S], patches u32 [B·L, S], vectors [V, C], weight [W, C], x [B, C]
import { loadLanes, storeLanes } from "./lanes";
import { multiplyAdd } from "./math";
import { elementStart } from "./parts";
import { rowInFile, rowInSlot } from "./sequence_rows";

export function nextByteConvolution(
  sequences: usize,
  tokens: usize,
  patches: usize,
  vectors: usize,
  weight: usize,
  x: usize,
  B: i32,
  L: i32,
  S: i32,
  C: i32,
  W: i32,
  part: i32,
  parts: i32,
): void {
  const stride = <usize> C << 2;
  const from = elementStart(C, part, parts), end = elementStart(C, part + 1, parts);
  for (let b = 0; b < B; b++) {
    const finished = (rowInSlot(0, sequences, b, L) + 1) * S;
    const row = min(rowInFile(1, sequences, b, S), finished - 1);
    const slot = patches + (<usize> (b * L * S) << 2);
    // As if the patch being made stood behind the others.
    const own = tokens + (<usize> (b * S) << 2) - (<usize> finished << 2);
    const terms = min(W, row + 1);
    for (let c = from; c < end; c += 4) {
      const count = min(4, end - c);
      const offset = <usize> c << 2;
      const out = x + <usize> b * stride + offset;
      let sum = loadLanes(out, count);
      for (let k = 0; k < terms; k++) {
        const at = row - k + S - 1;
        const byte = load<u32>((at < finished ? slot : own) + (<usize> at << 2));
        const vector = loadLanes(vectors + <usize> byte * stride + offset, count);
        sum = multiplyAdd(loadLanes(weight + <usize> k * stride + offset, count), vector, sum);
      }
      storeLanes(out, sum, count);
    }
  }
}

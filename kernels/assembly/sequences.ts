// How generation keeps its sequences, as kernels/operations/sequences.ts defines it. A thread takes whole sequences.
//
// sequences u32 [B, 4]: patches so far, bytes in the patch being made, whether it is finished, random stream
// row u32 [B, S], tokens u32 [B·L, S]
import { partStart } from "./parts";

/** What stands in a row where no byte is. */
export const endToken: u32 = 256;

/** Moves patches that are full, or that their file ended in, to the end of their sequence. */
export function appendPatch(
  row: usize,
  tokens: usize,
  sequences: usize,
  B: i32,
  L: i32,
  S: i32,
  part: i32,
  parts: i32,
): void {
  const bytes = <usize> S << 2;
  const end = partStart(B, part + 1, parts);
  for (let b = partStart(B, part, parts); b < end; b++) {
    const state = sequences + (<usize> b << 4);
    const patchCount = load<i32>(state), byteCount = load<i32>(state, 4), finished = load<i32>(state, 8);
    const complete = byteCount == S || (finished != 0 && byteCount > 0);
    if (!complete || patchCount >= L) continue;
    const own = row + <usize> b * bytes;
    memory.copy(tokens + <usize> (b * L + patchCount) * bytes, own, bytes);
    for (let at: usize = 0; at < bytes; at += 4) store<u32>(own + at, endToken);
    store<i32>(state, patchCount + 1);
    store<i32>(state, 0, 4);
    if (patchCount + 1 == L) store<i32>(state, 1, 8);
  }
}

// Which row a sequence is at, as kernels/operations/sequence_rows.ts defines it.

/** The row of the next byte, or else of the last patch, within the slot of sequence b. */
export function rowInSlot(nextByte: i32, sequences: usize, b: i32, L: i32): i32 {
  const state = sequences + (<usize> b << 4);
  const at = nextByte ? load<i32>(state, 4) : max(load<i32>(state), 1) - 1;
  return min(at, L - 1);
}

/** The row of its file that sequence b is at, of the next byte or else of the last patch; a patch has S bytes. */
export function rowInFile(nextByte: i32, sequences: usize, b: i32, S: i32): i32 {
  const state = sequences + (<usize> b << 4);
  const patch = max(load<i32>(state), 1) - 1;
  return nextByte ? patch * S + min(load<i32>(state, 4), S - 1) : patch;
}

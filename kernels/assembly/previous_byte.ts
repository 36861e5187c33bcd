// The byte before each byte that is predicted, as kernels/operations/previous_byte.ts defines it.

/** The byte before the one that a row predicts. tokens and patches u32 [N, S] */
// @ts-ignore: decorator
@inline
export function previousByte(tokens: usize, patches: usize, row: i32, S: i32): u32 {
  return row % S == 0
    ? load<u32>(patches + (<usize> (row + S - 1) << 2))
    : load<u32>(tokens + (<usize> (row - 1) << 2));
}

// The end of a row whose length does not divide by 4: its last 1 to 3 elements in the first lanes of a vector, so that
// they go through the same operations as all others and no address beyond the row is touched.

/** The `count` elements from here, 1 to 3, zeros behind them. */
// @ts-ignore: decorator
@inline
export function loadFirst(address: usize, count: i32): v128 {
  if (count == 1) return v128.load32_zero(address);
  const two = v128.load64_zero(address);
  return count == 2 ? two : v128.load32_lane(address, two, 2, 8);
}

/** Stores the first `count` lanes, 1 to 3. */
// @ts-ignore: decorator
@inline
export function storeFirst(address: usize, count: i32, x: v128): void {
  if (count == 1) {
    v128.store32_lane(address, x, 0);
  } else {
    v128.store64_lane(address, x, 0);
    if (count == 3) v128.store32_lane(address, x, 2, 8);
  }
}

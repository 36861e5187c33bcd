// Up to four elements as a vector. The end of a row whose length does not divide by 4 so goes through the same
// operations as all before it, and no address beyond the row is touched. A `count` that is the constant 4 costs nothing.

/** The `count` elements from here, 1 to 4, zeros behind them. */
// @ts-ignore: decorator
@inline
export function loadLanes(address: usize, count: i32): v128 {
  return count == 4 ? v128.load(address) : loadFirst(address, count);
}

/** Stores the first `count` lanes, 1 to 4. */
// @ts-ignore: decorator
@inline
export function storeLanes(address: usize, x: v128, count: i32): void {
  if (count == 4) v128.store(address, x);
  else storeFirst(address, x, count);
}

/** All bits of the first `count` lanes, 1 to 4. */
// @ts-ignore: decorator
@inline
export function laneMask(count: i32): v128 {
  return i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(count));
}

function loadFirst(address: usize, count: i32): v128 {
  if (count == 1) return v128.load32_zero(address);
  const two = v128.load64_zero(address);
  return count == 2 ? two : v128.load32_lane(address, two, 2, 8);
}

function storeFirst(address: usize, x: v128, count: i32): void {
  if (count == 1) {
    v128.store32_lane(address, x, 0);
  } else {
    v128.store64_lane(address, x, 0);
    if (count == 3) v128.store32_lane(address, x, 2, 8);
  }
}

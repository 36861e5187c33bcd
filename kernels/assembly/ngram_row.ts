// What the bytes before a byte add to its row of the byte level, as kernels/operations/ngram_hash.ts defines it.
//
// bytes and before u32 [S]: the patch and the one before it; table [3·rows, C]

/** The hash of the last n bytes before byte t. */
export function ngramHash(n: i32, rows: i32, bytes: usize, before: usize, t: i32, S: i32): i32 {
  let hash: u32 = 0;
  for (let k = n; k >= 1; k--) {
    let previous: u32 = 256;
    if (k <= t) previous = load<u32>(bytes + (<usize> (t - k) << 2));
    else if (k <= S + t) previous = load<u32>(before + (<usize> (S + t - k) << 2));
    hash = (hash ^ (previous + 1)) * 0x9e3779b1;
    hash ^= hash >> 15;
  }
  return <i32> hash & (rows - 1);
}

/** out += the rows of the table that the bytes choose, from byte `from` to byte `end` of a row, `from` a multiple of 16. */
export function addNgrams(
  out: usize,
  table: usize,
  bytes: usize,
  before: usize,
  t: i32,
  S: i32,
  C: i32,
  rows: i32,
  from: usize,
  end: usize,
): void {
  const stride = <usize> C << 2;
  const two = table + <usize> ngramHash(2, rows, bytes, before, t, S) * stride;
  const three = table + <usize> (rows + ngramHash(3, rows, bytes, before, t, S)) * stride;
  const four = table + <usize> (2 * rows + ngramHash(4, rows, bytes, before, t, S)) * stride;
  const wide = end & ~15;
  let at = from;
  for (; at < wide; at += 16) {
    const sum = f32x4.add(f32x4.add(v128.load(out + at), v128.load(two + at)), v128.load(three + at));
    v128.store(out + at, f32x4.add(sum, v128.load(four + at)));
  }
  for (; at < end; at += 4) {
    const sum = load<f32>(out + at) + load<f32>(two + at) + load<f32>(three + at);
    store<f32>(out + at, sum + load<f32>(four + at));
  }
}

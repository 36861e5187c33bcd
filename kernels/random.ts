/**
 * Counter-based random numbers, the same bits on the host, in WGSL and in WebAssembly: a number is a pure function of
 * (counter, stream, seed), so nothing has to be stored to resume, and a mask can be made again instead of kept.
 *
 * The mixing function is pcg3d of Jarzynski and Olano, "Hash Functions for GPU Rendering" (JCGT 2020): three 32-bit
 * words in, three well-mixed words out, with nothing but 32-bit multiply, add, shift and xor.
 * @module
 */

/**
 * The first output word of pcg3d.
 * @param counter which number of the stream, u32
 * @param stream which stream (a dropout site, a data order, …), u32
 * @param seed the run's seed, u32
 * @returns an integer in [0, 2³²)
 */
export function randomUint32(counter: number, stream: number, seed: number): number {
  let x = (Math.imul(counter, 1664525) + 1013904223) | 0;
  let y = (Math.imul(stream, 1664525) + 1013904223) | 0;
  let z = (Math.imul(seed, 1664525) + 1013904223) | 0;
  x = (x + Math.imul(y, z)) | 0;
  y = (y + Math.imul(z, x)) | 0;
  z = (z + Math.imul(x, y)) | 0;
  x ^= x >>> 16;
  y ^= y >>> 16;
  z ^= z >>> 16;
  return (x + Math.imul(y, z)) >>> 0;
}

/**
 * A uniform number in [0, 1) with 24 random bits: exact in f32, so that host and GPU compare it alike.
 * @param counter which number of the stream, u32
 * @param stream which stream, u32
 * @param seed the run's seed, u32
 */
export function randomUniform(counter: number, stream: number, seed: number): number {
  return (randomUint32(counter, stream, seed) >>> 8) * 2 ** -24;
}

/** WGSL twins of {@linkcode randomUint32} and {@linkcode randomUniform}. */
export const randomWgsl: string = /* wgsl */ `
fn randomUint32(counter: u32, stream: u32, seed: u32) -> u32 {
  var v = vec3<u32>(counter, stream, seed) * 1664525u + 1013904223u;
  v.x += v.y * v.z;
  v.y += v.z * v.x;
  v.z += v.x * v.y;
  v = v ^ (v >> vec3<u32>(16u));
  return v.x + v.y * v.z;
}
fn randomUniform(counter: u32, stream: u32, seed: u32) -> f32 {
  return f32(randomUint32(counter, stream, seed) >> 8u) * 0x1p-24f;
}
`;

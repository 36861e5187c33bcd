/**
 * The cyclic redundancy check CRC-32C (Castagnoli), as in RFC 3720, appendix B.4; TensorBoard's record files use it.
 * @module
 */

/** The remainders of all bytes, for the reflected polynomial 0x1EDC6F41. */
const remainders = Uint32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit++) remainder = (remainder >>> 1) ^ (remainder & 1 ? 0x82f63b78 : 0);
  return remainder;
});

/** The CRC-32C of the bytes, u32. */
export function crc32c(bytes: Uint8Array): number {
  let remainder = 0xffffffff;
  for (const byte of bytes) remainder = (remainder >>> 8) ^ remainders[(remainder ^ byte) & 0xff]!;
  return ~remainder >>> 0;
}

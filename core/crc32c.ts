/**
 * The cyclic redundancy check CRC-32C (Castagnoli), as in RFC 3720, appendix B.4.
 * @module
 */

/** The remainders of all bytes, for the reflected polynomial 0x1EDC6F41. */
const remainders = Uint32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit++) remainder = (remainder >>> 1) ^ (remainder & 1 ? 0x82f63b78 : 0);
  return remainder;
});

/**
 * The CRC-32C of the bytes, u32.
 * @param before the check of the bytes that stand before these; 0 where there are none
 */
export function crc32c(bytes: Uint8Array, before: number = 0): number {
  let remainder = ~before;
  for (const byte of bytes) remainder = (remainder >>> 8) ^ remainders[(remainder ^ byte) & 0xff]!;
  return ~remainder >>> 0;
}

const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit++) {
    remainder = remainder & 1 ? remainder >>> 1 ^ 0xedb88320 : remainder >>> 1;
  }
  return remainder;
});

/** The checksum of zip files: CRC-32 of ISO 3309, u32. */
export function crc32(bytes: Uint8Array): number {
  let remainder = ~0;
  for (let i = 0; i < bytes.length; i++) {
    remainder = remainder >>> 8 ^ table[(remainder ^ bytes[i]!) & 255]!;
  }
  return ~remainder >>> 0;
}

/** Bytes of a header, and the unit that every member is padded to. */
export const tarBlockBytes = 512;

/** Zero bytes that fill a member's last block. */
export function tarPaddingBytes(byteLength: number): number {
  return -byteLength & (tarBlockBytes - 1);
}

/** Where a header's fields stand: first byte and byte length (POSIX.1-2017, pax, "ustar Interchange Format"). */
export const tarFields = {
  name: [0, 100],
  mode: [100, 8],
  uid: [108, 8],
  gid: [116, 8],
  size: [124, 12],
  mtime: [136, 12],
  checksum: [148, 8],
  type: [156, 1],
  magic: [257, 8],
  prefix: [345, 155],
} as const;

/** A field's bytes. */
export function tarField(header: Uint8Array, name: keyof typeof tarFields): Uint8Array {
  const [start, byteLength] = tarFields[name];
  return header.subarray(start, start + byteLength);
}

/** The sum of a header's bytes, those of the checksum itself taken as spaces. */
export function tarChecksum(header: Uint8Array): number {
  const sum = header.reduce((total, byte) => total + byte, 0);
  return tarField(header, "checksum").reduce((total, byte) => total - byte + 0x20, sum);
}

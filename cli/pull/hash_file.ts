import { createHash } from "node:crypto";

/**
 * The hash of a file in hexadecimal, as the hub names it.
 *
 * @param digits 64 for SHA-256, 40 for the SHA-1 of git's blob
 */
export async function hashFile(path: string, digits: 40 | 64): Promise<string> {
  using file = await Deno.open(path);
  const hash = createHash(digits === 64 ? "sha256" : "sha1");
  if (digits === 40) hash.update(`blob ${(await file.stat()).size}\0`);
  const buffer = new Uint8Array(1 << 20);
  for (let count; (count = await file.read(buffer)) !== null;) hash.update(buffer.subarray(0, count));
  return hash.digest("hex");
}

import { type Checkpoint, namedTensors, tableOf } from "@bgpt/core";

/**
 * SHA-256 of what a checkpoint computes with: the names, shapes and values of its tensors as published, whatever else
 * its folder holds and however this program keeps them.
 * @returns 32 bytes
 */
export async function checkpointHash(checkpoint: Checkpoint): Promise<Uint8Array> {
  const parts: BlobPart[] = [];
  for (const [name, { shape, data }] of namedTensors(tableOf(checkpoint), checkpoint.parameters)) {
    parts.push(
      `${name} [${shape}]\n`,
      await crypto.subtle.digest("SHA-256", data as Uint8Array<ArrayBuffer>),
    );
  }
  return new Uint8Array(await crypto.subtle.digest("SHA-256", await new Blob(parts).arrayBuffer()));
}

/** A WebAssembly module from base64 of its deflated bytes. */
export async function inflateModule(text: string): Promise<Uint8Array<ArrayBuffer>> {
  const deflated = new Blob([Uint8Array.fromBase64(text)]).stream();
  return await new Response(deflated.pipeThrough(new DecompressionStream("deflate-raw"))).bytes();
}

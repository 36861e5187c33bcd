/** V: the 256 bytes and the one special id. */
export const vocabularySize = 257;

/**
 * A small file of CPU states for clones without `../shared`: 16 instructions in 64 bytes of memory. The states were
 * written by a second simulator, made in Python from the specification alone.
 */
export const smallMemoryBytes = 64;

export const smallProgram: readonly string[] = [
  "LOADI 200",
  "MOV A J",
  "ADD A B",
  "ADD B",
  "SUB C D E",
  "ROL E",
  "SWAP F",
  "SWAP A G",
  "DIV A H I",
  "PUSH I",
  "POP C",
  "NOT",
  "MUL B B B",
  "XOR J",
  "DEC D",
  "HLT",
];

/** PC, ACC, IR, A..J in hexadecimal. */
export const smallStates: readonly string[] = [
  "00 5a 00000000 91071000 4081640033f0",
  "01 5a 0bc80000 91071000 4081640033f0",
  "02 c8 14010a00 91071000 4081640033f0",
  "03 c8 0d010200 f0071000 4081640033f0",
  "04 c8 0d020000 f7071000 4081640033f0",
  "05 cf 0e030405 f7071000 4081640033f0",
  "06 cf 06050000 f7071000 1081640033f0",
  "07 cf 0c060000 f7071000 2081640033f0",
  "08 81 0c010700 f7071000 20cf640033f0",
  "09 81 10010809 64071000 20cff70033f0",
  "0a 81 09090000 64071000 20cff700fff0",
  "0b ff 0a030000 64071000 20cff700fff0",
  "0c ff 08000000 6407ff00 20cff700fff0",
  "0d 00 0f020202 6407ff00 20cff700fff0",
  "0e 00 130a0000 6431ff00 20cff700fff0",
  "0f f0 03040000 6431ff00 20cff700fff0",
  "10 f0 00000000 6431ff00 20cff700fff0",
];

export function hexBytes(lines: readonly string[]): Uint8Array {
  return Uint8Array.from(lines.join("").replaceAll(" ", "").match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

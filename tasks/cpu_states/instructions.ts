/**
 * The instructions of bGPT's CPU: 21 mnemonics over an accumulator (ACC) and ten registers (A..J), every value a
 * byte. An instruction is four bytes: opcode and three operands, 0 where an operand is absent. Wu et al. 2024,
 * "Beyond Language Models: Byte Models are Digital World Simulators", arXiv 2402.19155.
 * @module
 */

/** Bytes of an encoded instruction: the opcode and three operands. */
export const instructionBytes = 4;

/** The registers' names; register `i` of an instruction is `registerNames[i - 1]`. */
export const registerNames = "ABCDEFGHIJ";

/** What an instruction is called. */
export type Mnemonic =
  | "HLT"
  | "CLR"
  | "INC"
  | "DEC"
  | "SHL"
  | "SHR"
  | "ROL"
  | "ROR"
  | "NOT"
  | "PUSH"
  | "POP"
  | "LOADI"
  | "SWAP"
  | "ADD"
  | "SUB"
  | "MUL"
  | "DIV"
  | "AND"
  | "OR"
  | "XOR"
  | "MOV";

/** A row of the instruction table. */
export interface InstructionKind {
  /** What it is called. */
  readonly mnemonic: Mnemonic;
  /** The first byte; also the row's place in the table. */
  readonly opcode: number;
  /** How many operands the instruction may have, ascending. */
  readonly operandCounts: readonly number[];
  /** Whether operands are registers 1..10 or one immediate 0..255. */
  readonly operands: "registers" | "immediate";
  /** The result's byte of a one-operand operation, where this is one. */
  readonly unary?: (x: number) => number;
  /** The result's byte of a two-operand operation, where this is one. */
  readonly binary?: (x: number, y: number) => number;
}

/** One instruction, decoded. */
export interface Instruction {
  /** What it is called. */
  readonly mnemonic: Mnemonic;
  /** As many as stand in the text: registers 1..10, or the immediate of `LOADI`. */
  readonly operands: readonly number[];
}

type Row = Omit<InstructionKind, "opcode">;

function transfer(mnemonic: Mnemonic, ...operandCounts: number[]): Row {
  return { mnemonic, operandCounts, operands: "registers" };
}

function unary(mnemonic: Mnemonic, unary: (x: number) => number): Row {
  return { mnemonic, operandCounts: [0, 1], operands: "registers", unary };
}

function binary(mnemonic: Mnemonic, binary: (x: number, y: number) => number): Row {
  return { mnemonic, operandCounts: [1, 2, 3], operands: "registers", binary };
}

const rows: readonly Row[] = [
  transfer("HLT", 0),
  unary("CLR", () => 0),
  unary("INC", (x) => Math.min(x + 1, 255)),
  unary("DEC", (x) => Math.max(x - 1, 0)),
  unary("SHL", (x) => (x << 1) & 255),
  unary("SHR", (x) => x >> 1),
  unary("ROL", (x) => ((x << 1) & 255) | (x >> 7)),
  unary("ROR", (x) => (x >> 1) | ((x & 1) << 7)),
  unary("NOT", (x) => 255 - x),
  transfer("PUSH", 1),
  transfer("POP", 1),
  { mnemonic: "LOADI", operandCounts: [1], operands: "immediate" },
  transfer("SWAP", 1, 2),
  binary("ADD", (x, y) => Math.min(x + y, 255)),
  binary("SUB", (x, y) => Math.max(x - y, 0)),
  binary("MUL", (x, y) => Math.min(x * y, 255)),
  binary("DIV", (x, y) => y === 0 ? 255 : Math.floor(x / y)),
  binary("AND", (x, y) => x & y),
  binary("OR", (x, y) => x | y),
  binary("XOR", (x, y) => x ^ y),
  transfer("MOV", 2),
];

/** All instructions, at the place of their opcode. */
export const instructionTable: readonly InstructionKind[] = rows.map((row, opcode) => ({ ...row, opcode }));

const byMnemonic: ReadonlyMap<string, InstructionKind> = new Map(
  instructionTable.map((kind) => [kind.mnemonic, kind]),
);

/**
 * The table's row of a mnemonic, in capitals.
 * @returns `undefined` where there is no such instruction
 */
export function instructionKind(mnemonic: string): InstructionKind | undefined {
  return byMnemonic.get(mnemonic);
}

/**
 * The four bytes of an instruction.
 * @throws {RangeError} when the instruction does not take these operands
 */
export function encodeInstruction(instruction: Instruction): Uint8Array {
  const { mnemonic, operands } = instruction;
  const kind = instructionKind(mnemonic);
  const problem = kind ? operandProblem(kind, operands) : unknownMnemonic(mnemonic);
  if (!kind || problem) {
    throw new RangeError(`Cannot encode ${mnemonic} [${operands.join(", ")}]: ${problem}`);
  }
  const bytes = new Uint8Array(instructionBytes);
  bytes[0] = kind.opcode;
  bytes.set(operands, 1);
  return bytes;
}

/**
 * The instruction that four bytes hold.
 * @param bytes four bytes
 * @throws {RangeError} when they are no instruction: another length, an unknown opcode, operands it does not take
 */
export function decodeInstruction(bytes: Uint8Array): Instruction {
  const fail = (problem: string): RangeError =>
    new RangeError(`Cannot decode the instruction ${bytes.join(" ")}: ${problem}`);
  if (bytes.length !== instructionBytes) {
    throw fail(`it has ${bytes.length} bytes, ${instructionBytes} are required`);
  }
  const [opcode, ...rest] = bytes;
  const kind = instructionTable[opcode!];
  if (!kind) throw fail(`opcode ${opcode} is unknown, 0 to ${instructionTable.length - 1} are known`);
  // An immediate may be 0, so only registers tell by themselves where the operands end.
  const operandCount = Math.max(
    kind.operands === "immediate" ? 1 : 0,
    rest.findLastIndex((operand) => operand !== 0) + 1,
  );
  const operands = rest.slice(0, operandCount);
  const problem = operandProblem(kind, operands);
  if (problem) throw fail(problem);
  return { mnemonic: kind.mnemonic, operands };
}

/**
 * An instruction as a line of text, as `ADD A B C`, `LOADI 17` or `HLT`.
 * @throws {RangeError} when the instruction does not take these operands
 */
export function disassembleInstruction(instruction: Instruction): string {
  encodeInstruction(instruction);
  const { mnemonic, operands } = instruction;
  const immediate = instructionKind(mnemonic)!.operands === "immediate";
  return [mnemonic, ...operands.map((operand) => immediate ? operand : registerNames[operand - 1])].join(" ");
}

/**
 * The instruction that a line of text stands for; capitals do not matter.
 * @param line as `ADD A B C`, `LOADI 17` or `HLT`
 * @param lineNumber where the line stands in its text, for the error
 * @throws {SyntaxError} when the line is no instruction
 */
export function assembleInstruction(line: string, lineNumber = 1): Instruction {
  const fail = (problem: string): SyntaxError =>
    new SyntaxError(`Cannot assemble line ${lineNumber} "${line.trim()}": ${problem}`);
  const [mnemonic = "", ...words] = line.trim().toUpperCase().split(/\s+/);
  const kind = instructionKind(mnemonic);
  if (!kind) throw fail(unknownMnemonic(mnemonic));
  const operands = words.map((word) => {
    if (kind.operands === "immediate") {
      if (/^\d{1,3}$/.test(word)) return Number(word);
      throw fail(`"${word}" is no immediate, a number from 0 to 255 is required`);
    }
    if (/^[A-J]$/.test(word)) return registerNames.indexOf(word) + 1;
    throw fail(`"${word}" is no register, a letter from A to J is required`);
  });
  const problem = operandProblem(kind, operands);
  if (problem) throw fail(problem);
  return { mnemonic: kind.mnemonic, operands };
}

function unknownMnemonic(mnemonic: string): string {
  const known = instructionTable.map((kind) => kind.mnemonic).join(", ");
  return `there is no instruction "${mnemonic}", known are ${known}`;
}

/** What is wrong with the operands, or `undefined`. */
function operandProblem(kind: InstructionKind, operands: readonly number[]): string | undefined {
  if (!kind.operandCounts.includes(operands.length)) {
    const required = kind.operandCounts.join(" or ");
    return `${kind.mnemonic} has ${operands.length} operands, ${required} are required`;
  }
  const [minimum, maximum] = kind.operands === "immediate" ? [0, 255] : [1, registerNames.length];
  const wrong = operands.findIndex((x) => !Number.isInteger(x) || x < minimum! || x > maximum!);
  if (wrong < 0) return undefined;
  const what = kind.operands === "immediate" ? "immediate" : `register of operand ${wrong + 1}`;
  return `the ${what} is ${operands[wrong]}, ${minimum} to ${maximum} are required`;
}

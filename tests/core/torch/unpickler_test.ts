import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "../../fast_check.ts";
import { TorchCheckpointError } from "@bgpt/core";
import { unpickle } from "../../../core/torch/unpickler.ts";
import { bytesOf, little, py } from "./torch_bytes.ts";

const imports = new Map<string, unknown>([["m.sum", (a: number, b: number) => a + b], [
  "m.constant",
  "constant",
]]);

const read = (value: Uint8Array): unknown => unpickle(py.pickle(value), imports, (id) => ({ id }));

function assertRefused(pickle: Uint8Array, problem: string): void {
  const unpickled = (): unknown => unpickle(pickle, imports, (id) => ({ id }));
  assertThrows(unpickled, TorchCheckpointError, `Cannot read PyTorch checkpoint: ${problem}`);
}

Deno.test("every number, text and constant of protocol 2 is read", () => {
  assertEquals(read(bytesOf("N")), null);
  assertEquals(read(bytesOf(0x88)), true);
  assertEquals(read(bytesOf(0x89)), false);
  assertEquals(read(bytesOf("K", 200)), 200);
  assertEquals(read(bytesOf("M", 1, 2)), 513);
  assertEquals(read(py.int(-5)), -5);
  assertEquals(read(bytesOf(0x8a, 0)), 0);
  assertEquals(read(bytesOf(0x8a, 1, 0xff)), -1);
  assertEquals(read(bytesOf(0x8a, 5, little(2 ** 33 + 1, 5))), 2 ** 33 + 1);
  assertEquals(read(bytesOf("G", 0x3f, 0xb9, 0x99, 0x99, 0x99, 0x99, 0x99, 0x9a)), 0.1);
  assertEquals(read(py.text("é")), "é");
});

Deno.test("lists, tuples and dicts are read", () => {
  const one = bytesOf("K", 1);
  assertEquals(read(bytesOf(")")), []);
  assertEquals(read(bytesOf(one, 0x85)), [1]);
  assertEquals(read(bytesOf(one, one, 0x86)), [1, 1]);
  assertEquals(read(bytesOf(one, one, one, 0x87)), [1, 1, 1]);
  assertEquals(read(py.tuple(one, py.list(one, one), one)), [1, [1, 1], 1]);
  assertEquals(read(bytesOf("]", one, "a")), [1]);
  assertEquals(read(py.dict({ a: one })), new Map([["a", 1]]));
  assertEquals(read(bytesOf("}", one, one, "s")), new Map([[1, 1]]));
});

Deno.test("a remembered value is the same value", () => {
  const [first, second] = read(bytesOf("(]q", 7, "h", 7, "t")) as unknown[];
  assert(Array.isArray(first) && first === second);
  assertEquals(read(bytesOf("(K", 3, "r", little(70000, 4), "j", little(70000, 4), "t")), [3, 3]);
});

Deno.test("allowed imports are called, persistent ids are loaded, and a dict's state is dropped", () => {
  assertEquals(read(py.call(py.global("m", "sum"), py.int(2), py.int(3))), 5);
  assertEquals(read(py.global("m", "constant")), "constant");
  assertEquals(read(bytesOf(py.int(4), "Q")), { id: 4 });
  assertEquals(
    read(bytesOf(py.dict({ a: py.int(1) }), py.dict({ _metadata: py.int(1) }), "b")),
    new Map([["a", 1]]),
  );
});

Deno.test("every other import is refused by its name", () => {
  for (
    const [module, name] of [["os", "system"], ["builtins", "eval"], ["m", "other"], [
      "m.sum",
      "__call__",
    ]] as const
  ) {
    const call = py.pickle(py.call(py.global(module, name), py.text("echo")));
    assertRefused(call, `it imports "${module}.${name}", which weights do not need. It may be malicious`);
  }
});

Deno.test("only imported functions are called", () => {
  for (const callee of [py.global("m", "constant"), py.text("m.sum"), bytesOf("N"), py.dict({})]) {
    assertRefused(py.pickle(py.call(callee, py.int(1))), "its pickle calls what is not a function");
  }
  assertRefused(py.pickle(bytesOf(py.global("m", "sum"), "NR")), "its pickle calls what is not a function");
});

Deno.test("opcodes that torch.save does not write are refused", () => {
  const written = new Set(bytesOf("(.NKMJGX)t]ae}suqrhjcRQb", 0x80, 0x88, 0x89, 0x8a, 0x85, 0x86, 0x87));
  for (let opcode = 0; opcode < 256; opcode++) {
    if (written.has(opcode)) continue;
    assertRefused(bytesOf(0x80, 2, opcode), `its pickle has opcode 0x${opcode.toString(16)} at byte 2`);
  }
  assertRefused(bytesOf(0x80, 4, "N."), "its pickle does not have protocol 2");
});

Deno.test("values that do not fit their opcode are refused", () => {
  const refused: [Uint8Array, string][] = [
    [bytesOf("Na"), "its pickle takes values that are not there"],
    [bytesOf("NNa"), "its pickle appends to what is not a list"],
    [bytesOf("NNNs"), "its pickle sets items of what is not a dict"],
    [bytesOf("}(Nu"), "its pickle sets items of what is not a dict"],
    [bytesOf("})Ns"), "its pickle has a key that is no text or number"],
    [bytesOf("]Nb"), "its pickle gives a state to what is not a dict"],
    [bytesOf("N("), "its pickle stops before its value is complete"],
    [bytesOf("NN"), "its pickle stops before its value is complete"],
    [bytesOf(""), "its pickle stops before its value is complete"],
    [bytesOf("t"), "its pickle closes what it never opened"],
    [bytesOf("N(", 0x85), "its pickle takes values that are not there"],
    [bytesOf("q", 0), "its pickle takes values that are not there"],
    [bytesOf("h", 0), "its pickle asks for value 0, which it never stored"],
    [bytesOf(0x8a, 8, little(2 ** 60, 8)), "its pickle has an integer of 8 bytes"],
  ];
  for (const [value, problem] of refused) assertRefused(py.pickle(value), problem);
});

Deno.test("nesting, stack and memory are bounded", () => {
  assertRefused(
    py.pickle(new Uint8Array(1000).fill("(".charCodeAt(0))),
    "its pickle nests more than 100 deep",
  );
  assertRefused(
    py.pickle(new Uint8Array(200_000).fill("N".charCodeAt(0))),
    "its pickle stacks more than 100000 values",
  );
  const puts = new Uint8Array(5 * 1_000_001);
  const view = new DataView(puts.buffer);
  for (let i = 0; i < puts.length; i += 5) {
    puts[i] = "r".charCodeAt(0);
    view.setUint32(i + 1, i, true);
  }
  const pickle = new Uint8Array(puts.length + 3);
  pickle.set([0x80, 2, "N".charCodeAt(0)]);
  pickle.set(puts, 3);
  assertRefused(pickle, "its pickle remembers more than 1000000 values");
});

Deno.test("a pickle that was cut off is refused at any length", () => {
  const parts = [
    py.int(1),
    py.text("text"),
    bytesOf("G", little(0, 8)),
    bytesOf(0x8a, 2, 1, 1),
    py.global("m", "constant"),
  ];
  const pickle = py.pickle(py.tuple(...parts));
  for (let length = 0; length < pickle.length; length++) {
    assertRefused(pickle.subarray(0, length), "its pickle ");
  }
});

Deno.test("any bytes are read or refused with the one error", () => {
  const opcodes = fc.constantFrom(...bytesOf("(.NKMJX)t]ae}suqrhjcRQb", 0x80, 0x88, 0x8a, 0x85, 0x86, 0x87));
  const anyBytes = fc.array(fc.oneof(opcodes, fc.nat(9)), { maxLength: 60 });
  let values = 0;
  fc.assert(
    fc.property(anyBytes, (bytes) => {
      try {
        read(Uint8Array.from(bytes));
        values++;
      } catch (error) {
        assert(error instanceof TorchCheckpointError, `${error}`);
      }
    }),
    { numRuns: 5000 },
  );
  assert(values > 10, `${values}`);
});

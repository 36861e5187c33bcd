import { PickleInput } from "./pickle_input.ts";
import { fail, quote } from "./torch_checkpoint_error.ts";

/** What a pickle may import, by "module.name": functions may be called, everything else is passed on as it is. */
export type PickleImports = ReadonlyMap<string, unknown>;

/** A dict of a pickle. */
export type PickleDict = Map<string | number, unknown>;

/** The opcodes of protocol 2 that torch.save writes (CPython's pickletools documents them all). */
const Op = {
  protocol: 0x80,
  mark: 0x28, // (
  stop: 0x2e, // .
  none: 0x4e, // N
  true: 0x88,
  false: 0x89,
  uint8: 0x4b, // K
  uint16: 0x4d, // M
  int32: 0x4a, // J
  long: 0x8a,
  float: 0x47, // G
  text: 0x58, // X
  emptyTuple: 0x29, // )
  tuple: 0x74, // t
  tuple1: 0x85,
  tuple2: 0x86,
  tuple3: 0x87,
  emptyList: 0x5d, // ]
  append: 0x61, // a
  appendAll: 0x65, // e
  emptyDict: 0x7d, // }
  setItem: 0x73, // s
  setItems: 0x75, // u
  put: 0x71, // q
  longPut: 0x72, // r
  get: 0x68, // h
  longGet: 0x6a, // j
  import: 0x63, // c
  call: 0x52, // R
  persistent: 0x51, // Q
  build: 0x62, // b
} as const;

/** Far more than torch.save needs, which writes lists and dicts by the thousand items, four deep. */
const maxStack = 100_000;
const maxMarks = 100;
const maxMemo = 1_000_000;
const maxArguments = 16;

/**
 * Rebuilds the value of a pickle of protocol 2. Nothing in it can run: only the functions of `imports` are called.
 * Lists and tuples become arrays, dicts maps.
 *
 * @param bytes the pickle
 * @param loadPersistent gives the value that a persistent id stands for
 * @throws TorchCheckpointError for every opcode, import or call that torch.save does not write
 */
export function unpickle(
  bytes: Uint8Array,
  imports: PickleImports,
  loadPersistent: (id: unknown) => unknown,
): unknown {
  const input = new PickleInput(bytes);
  const stack = new PickleStack();
  const memo = new Map<number, unknown>();
  const put = (index: number): void => {
    if (memo.size >= maxMemo) fail(`its pickle remembers more than ${maxMemo} values`);
    memo.set(index, stack.top());
  };
  const get = (index: number): void =>
    stack.push(
      memo.has(index) ? memo.get(index) : fail(`its pickle asks for value ${index}, which it never stored`),
    );
  if (input.uint8() !== Op.protocol || input.uint8() !== 2) fail("its pickle does not have protocol 2");
  for (;;) {
    const at = input.offset;
    const opcode = input.uint8();
    switch (opcode) {
      case Op.stop:
        return stack.only();
      case Op.mark:
        stack.mark();
        break;
      case Op.none:
        stack.push(null);
        break;
      case Op.true:
        stack.push(true);
        break;
      case Op.false:
        stack.push(false);
        break;
      case Op.uint8:
        stack.push(input.uint8());
        break;
      case Op.uint16:
        stack.push(input.uint16());
        break;
      case Op.int32:
        stack.push(input.int32());
        break;
      case Op.long:
        stack.push(input.long());
        break;
      case Op.float:
        stack.push(input.float64());
        break;
      case Op.text:
        stack.push(input.text(input.uint32()));
        break;
      case Op.emptyTuple:
      case Op.emptyList:
        stack.push([]);
        break;
      case Op.tuple:
        stack.push(stack.popToMark());
        break;
      case Op.tuple1:
      case Op.tuple2:
      case Op.tuple3:
        stack.push(stack.popMany(opcode - Op.tuple1 + 1));
        break;
      case Op.append:
        append(stack.popMany(1), stack.top());
        break;
      case Op.appendAll:
        append(stack.popToMark(), stack.top());
        break;
      case Op.emptyDict:
        stack.push(new Map());
        break;
      case Op.setItem:
        setItems(stack.popMany(2), stack.top());
        break;
      case Op.setItems:
        setItems(stack.popToMark(), stack.top());
        break;
      case Op.put:
        put(input.uint8());
        break;
      case Op.longPut:
        put(input.uint32());
        break;
      case Op.get:
        get(input.uint8());
        break;
      case Op.longGet:
        get(input.uint32());
        break;
      case Op.import:
        stack.push(importOf(`${input.line()}.${input.line()}`, imports));
        break;
      case Op.call: {
        const [callee, args] = stack.popMany(2);
        if (typeof callee !== "function" || !Array.isArray(args)) {
          fail("its pickle calls what is not a function");
        }
        if (args.length > maxArguments) fail(`its pickle gives a function ${args.length} arguments`);
        stack.push(callee(...args));
        break;
      }
      case Op.persistent:
        stack.push(loadPersistent(stack.popMany(1)[0]));
        break;
      case Op.build: { // torch.save gives the model's OrderedDict its _metadata, which no one needs
        stack.popMany(1);
        if (!(stack.top() instanceof Map)) fail("its pickle gives a state to what is not a dict");
        break;
      }
      default:
        fail(`its pickle has opcode 0x${opcode.toString(16)} at byte ${at}, which torch.save does not write`);
    }
  }
}

function importOf(name: string, imports: PickleImports): unknown {
  if (imports.has(name)) return imports.get(name);
  return fail(
    `it imports ${quote(name)}, which weights do not need. It may be malicious: get it from a trusted place`,
  );
}

function append(items: unknown[], list: unknown): void {
  if (!Array.isArray(list)) fail("its pickle appends to what is not a list");
  for (const item of items) list.push(item);
}

function setItems(items: unknown[], dict: unknown): void {
  if (!(dict instanceof Map) || items.length % 2 !== 0) fail("its pickle sets items of what is not a dict");
  for (let i = 0; i < items.length; i += 2) {
    const key = items[i];
    if (typeof key !== "string" && typeof key !== "number") {
      fail("its pickle has a key that is no text or number");
    }
    dict.set(key, items[i + 1]);
  }
}

/** The values under construction; those above the last mark belong together. */
class PickleStack {
  readonly #values: unknown[] = [];
  readonly #marks: number[] = [];

  push(value: unknown): void {
    if (this.#values.length >= maxStack) fail(`its pickle stacks more than ${maxStack} values`);
    this.#values.push(value);
  }

  mark(): void {
    if (this.#marks.length >= maxMarks) fail(`its pickle nests more than ${maxMarks} deep`);
    this.#marks.push(this.#values.length);
  }

  top(): unknown {
    this.#need(1);
    return this.#values.at(-1);
  }

  popMany(count: number): unknown[] {
    this.#need(count);
    return this.#values.splice(this.#values.length - count);
  }

  popToMark(): unknown[] {
    const mark = this.#marks.pop() ?? fail("its pickle closes what it never opened");
    return this.#values.splice(mark);
  }

  only(): unknown {
    if (this.#values.length !== 1 || this.#marks.length > 0) {
      fail("its pickle stops before its value is complete");
    }
    return this.#values[0];
  }

  #need(count: number): void {
    if (this.#values.length - (this.#marks.at(-1) ?? 0) < count) {
      fail("its pickle takes values that are not there");
    }
  }
}

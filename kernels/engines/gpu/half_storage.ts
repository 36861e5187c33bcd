/**
 * What a plan stores in f16 in mixed precision, decided here and nowhere else, from what each kernel says of its operands
 * (`halves`): tensors that kernels write anew and that all who touch them take as f16, and copies of the parameters
 * ("shadows") for those who read them as f16. Everything else stays f32: parameters, moments, gradients, inputs, outputs, and
 * with them sums, statistics, the residual stream, logits and losses.
 * @module
 */
import type { Operand } from "../../kernel.ts";
import { type Call, type Plan, PlanBuilder, type Role, type Storage, type Tensor } from "../../plan.ts";
import { shadow, shadowBlock } from "../../operations/shadow.ts";

/** The program that brings all shadows up to date. */
export const shadowProgram = "shadow weights";

/** Windows in f16 start at multiples of 128 numbers: 256 bytes, WebGPU's largest binding alignment. */
const halfAlignment = 128;

/** A copy of parts of a parameter storage. */
export interface Shadow {
  /** What it is a copy of. */
  readonly source: Storage;
  /** The copy. */
  readonly copy: Tensor;
  /** Which blocks of the source it has. */
  readonly blocks: Tensor;
  /** What `blocks` holds. */
  readonly blockNumbers: Uint32Array;
}

/** A plan for mixed precision, made of one for f32. */
export interface HalfPlan {
  /** The same programs on other storages, and {@linkcode shadowProgram} where there are shadows. */
  readonly plan: Plan;
  /** The f16 storage in the place of an f32 one. */
  readonly storageOf: ReadonlyMap<Storage, Storage>;
  /** Each to be filled before it is first read, and whenever its source was written from outside. */
  readonly shadows: readonly Shadow[];
}

/** Roles of what nobody but kernels reads or writes. */
const innerRoles: ReadonlySet<Role> = new Set(["activation", "parameter"]);

/** Each call with each of its operands. */
function* operandsOf(plan: Plan): Generator<{ operand: Operand; tensor: Tensor; half: boolean }> {
  for (const calls of plan.programs.values()) {
    for (const { kernel, shape, operands } of calls) {
      for (const [name, operand] of Object.entries(kernel.operands(shape))) {
        const half = kernel.halves?.includes(name) ?? false;
        yield { operand: operand!, tensor: operands[name]!, half };
      }
    }
  }
}

/** The storages that may be f16 all the time. */
function halfStorages(plan: Plan): Set<Storage> {
  const chosen = new Set<Storage>();
  const refused = new Set<Storage>();
  for (const { operand: { access, type }, tensor: { storage, offset }, half } of operandsOf(plan)) {
    const fits = half && type === "f32" && innerRoles.has(storage.role) && access !== "update" &&
      offset % halfAlignment === 0;
    if (!fits) refused.add(storage);
    else if (access === "write") chosen.add(storage);
  }
  return chosen.difference(refused);
}

/** Rewrites a plan for mixed precision. */
export function halfPlan(plan: Plan): HalfPlan {
  const storageOf = new Map(
    Array.from(halfStorages(plan), (storage) => [storage, { ...storage, type: "f16" as const }]),
  );
  const builder = new PlanBuilder();
  const windows = new Map<Tensor, Tensor>();
  const shadows = declareShadows(builder, plan, storageOf, windows);
  const updates = new Map(shadows.map(({ source, copy, blocks }) => {
    const whole = {
      name: source.name,
      shape: [source.length],
      length: source.length,
      storage: source,
      offset: 0,
    };
    const shape = { sourceLength: source.length, length: copy.length };
    builder.program(shadowProgram);
    builder.call(shadow, shape, { source: whole, blocks, shadow: copy }, `${source.name}.shadow`);
    return [source, builder.build().programs.get(shadowProgram)!.at(-1)!];
  }));

  const rewritten = (call: Call): Call => {
    const wanted = call.kernel.operands(call.shape);
    const operands = Object.entries(call.operands).map(([name, tensor]) => {
      const storage = storageOf.get(tensor.storage);
      if (storage !== undefined) return [name, { ...tensor, storage }];
      const half = wanted[name]!.access === "read" && call.kernel.halves?.includes(name);
      return [name, half && windows.get(tensor) || tensor];
    });
    return { ...call, operands: Object.fromEntries(operands) };
  };
  // A shadow is brought up to date when the program ends or reads it: an optimizer may write its source in many calls.
  const updated = (calls: readonly Call[]): Call[] => {
    const stale = new Set<Call>();
    const all = calls.map(rewritten).flatMap((call) => {
      const wanted = call.kernel.operands(call.shape);
      const storages = new Set(Object.values(call.operands).map(({ storage }) => storage));
      const first = [...stale].filter(({ operands }) => storages.has(operands["shadow"]!.storage));
      for (const update of first) stale.delete(update);
      for (const [name, { storage }] of Object.entries(call.operands)) {
        const update = updates.get(storage);
        if (wanted[name]!.access !== "read" && update !== undefined) stale.add(update);
      }
      return [...first, call];
    });
    return [...all, ...stale];
  };
  const programs = new Map(Array.from(plan.programs, ([name, calls]) => [name, updated(calls)]));
  const own = builder.build();
  return {
    plan: {
      storages: [...plan.storages.map((storage) => storageOf.get(storage) ?? storage), ...own.storages],
      tensors: new Map([...plan.tensors, ...own.tensors]),
      programs: new Map([...programs, ...own.programs]),
    },
    storageOf,
    shadows,
  };
}

/** Declares a shadow of every parameter storage that someone reads as f16, with a window for each tensor that is read so. */
function declareShadows(
  builder: PlanBuilder,
  plan: Plan,
  storageOf: ReadonlyMap<Storage, Storage>,
  windows: Map<Tensor, Tensor>,
): Shadow[] {
  const read = new Map<Storage, Set<Tensor>>();
  for (const { operand, tensor, half } of operandsOf(plan)) {
    const { storage } = tensor;
    const shadowed = half && operand.access === "read" && storage.role === "parameter" &&
      !storageOf.has(storage);
    if (shadowed) read.set(storage, (read.get(storage) ?? new Set()).add(tensor));
  }
  return Array.from(read, ([source, tensors]) => {
    const lengthOf = ({ length }: Tensor) => Math.ceil(length / halfAlignment) * halfAlignment;
    const length = tensors.values().reduce((sum, tensor) => sum + lengthOf(tensor), 0);
    const copy = builder.tensor(`${source.name}.f16`, [length], "parameter", "f16");
    const blocks = builder.tensor(`${source.name}.f16.blocks`, [length / shadowBlock], "input", "u32");
    const blockNumbers = new Uint32Array(length / shadowBlock);
    const lastBlock = Math.floor((source.length - 1) / shadowBlock);
    let offset = 0;
    for (const tensor of tensors) {
      windows.set(tensor, builder.window(`${tensor.name}.shadow`, copy, offset, tensor.shape));
      for (let i = 0; i < lengthOf(tensor) / shadowBlock; i++) {
        blockNumbers[offset / shadowBlock + i] = Math.min(tensor.offset / shadowBlock + i, lastBlock);
      }
      offset += lengthOf(tensor);
    }
    return { source, copy, blocks, blockNumbers };
  });
}

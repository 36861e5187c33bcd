/**
 * Less memory for more arithmetic (Chen et al., Training Deep Nets with Sublinear Memory Cost, 2016): of each block only its
 * input is kept from the forward pass, and the backward pass computes the block again before it needs what was in it.
 *
 * Kernels are deterministic, dropout masks among them, so what is computed again has the same bits, and so have gradients.
 * @module
 */
import { type Call, callsOf, type Plan, type Storage, type Tensor } from "@bgpt/kernels";

/** The plan of training with the blocks computed again in its program `backward`. */
export function recomputed(plan: Plan): Plan {
  const forward = callsOf(plan, "forward");
  const backward = callsOf(plan, "backward");
  const blocks = Map.groupBy(forward, blockOf);
  const blockOfInner = innerStorages(forward);
  const clones = new Map<Storage, Storage>();
  const tensors = new Map(plan.tensors);
  const cloned = (tensor: Tensor): Tensor => {
    const storage = clones.get(tensor.storage);
    if (storage === undefined) return tensor;
    const clone = { ...tensor, name: againName(tensor.name), storage };
    tensors.set(clone.name, clone);
    return clone;
  };
  const withClones = (call: Call): Call => ({
    ...call,
    operands: Object.fromEntries(
      Object.entries(call.operands).map(([name, tensor]) => [name, cloned(tensor)]),
    ),
  });

  const calls: Call[] = [];
  for (const call of backward) {
    for (const { storage } of Object.values(call.operands)) {
      const block = blockOfInner.get(storage);
      if (block === undefined || clones.has(storage)) continue;
      const again = callsAgain(blocks.get(block)!, backward, (inner) => blockOfInner.get(inner) === block);
      for (const inner of storagesOf(again)) {
        if (blockOfInner.get(inner) === block) clones.set(inner, { ...inner, name: againName(inner.name) });
      }
      calls.push(...again.map((each) => ({ ...withClones(each), label: againName(each.label) })));
    }
    calls.push(withClones(call));
  }
  return {
    storages: [...plan.storages, ...clones.values()],
    tensors,
    programs: new Map(plan.programs).set("backward", calls),
  };
}

/** The block that a call of the forward pass belongs to, by its label: `byte.0` of `byte.0.qkv`. */
function blockOf({ label }: Call): string | undefined {
  return label.match(/^\w+\.\d+(?=\.)/)?.[0];
}

function againName(name: string): string {
  return `${name}.again`;
}

function storagesOf(calls: readonly Call[]): Set<Storage> {
  return new Set(calls.flatMap(({ operands }) => Object.values(operands).map(({ storage }) => storage)));
}

/** What calls outside of a block take no notice of, in the forward pass: its activations but its output. */
function innerStorages(forward: readonly Call[]): Map<Storage, string> {
  const inner = new Map<Storage, string>();
  const outer = new Set<Storage>();
  for (const call of forward) {
    const block = blockOf(call);
    for (const { storage } of Object.values(call.operands)) {
      const owner = inner.get(storage) ?? block;
      if (block === undefined || owner !== block || storage.role !== "activation") outer.add(storage);
      else inner.set(storage, block);
    }
  }
  for (const storage of outer) inner.delete(storage);
  return inner;
}

/** The calls of a block that it takes to compute again what the backward pass reads of its inside. */
function callsAgain(
  block: readonly Call[],
  backward: readonly Call[],
  isInner: (storage: Storage) => boolean,
): Call[] {
  const needed = new Set([...storagesOf(backward)].filter(isInner));
  const again: Call[] = [];
  for (const call of block.toReversed()) {
    const operands = Object.entries(call.kernel.operands(call.shape));
    const storageOf = (name: string) => call.operands[name]!.storage;
    if (!operands.some(([name, operand]) => operand!.access !== "read" && needed.has(storageOf(name)))) {
      continue;
    }
    for (const [name] of operands) if (isInner(storageOf(name))) needed.add(storageOf(name));
    again.unshift(call);
  }
  return again;
}

import type { BadStep } from "../bad_step.ts";
import type { Communicator } from "./communicator.ts";

/**
 * What all ranks say of a bad step: what the first rank found in whose part a tensor went bad, else what rank 0 did. Each
 * rank looks at its own files alone.
 * @param own what this rank found
 */
export async function agreeOnBadStep(communicator: Communicator, own: BadStep): Promise<BadStep> {
  const { rank, size } = communicator;
  if (size === 1) return own;
  const found = encode(own);
  const lengths = new Float64Array(size);
  if (rank === 0 || typeof own.first !== "string") lengths[rank] = found.length;
  const foundIt = new Float64Array(size);
  foundIt[rank] = Number(typeof own.first !== "string");
  await communicator.allReduceSum(lengths);
  await communicator.allReduceSum(foundIt);
  const speaker = Math.max(0, foundIt.indexOf(1));
  const text = new Float32Array(lengths[speaker]!);
  if (rank === speaker) text.set(found);
  await communicator.allReduceSum(text);
  return { ...own, ...decode(Uint8Array.from(text)) };
}

/** JSON has neither NaN nor infinities, which is what a bad value is. */
function encode({ first, names }: BadStep): Uint8Array {
  const told = typeof first === "string" ? first : { ...first, value: `${first.value}` };
  return new TextEncoder().encode(JSON.stringify({ first: told, names }));
}

function decode(bytes: Uint8Array): Pick<BadStep, "first" | "names"> {
  const { first, names } = JSON.parse(new TextDecoder().decode(bytes));
  return { first: typeof first === "string" ? first : { ...first, value: Number(first.value) }, names };
}

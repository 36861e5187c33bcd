/**
 * A step whose loss or gradient is no number.
 * @module
 */
import { meanLossNats } from "./bits.ts";
import type { BadTensor } from "./diagnose.ts";
import type { StepMetrics, TrainedShare, Trainer } from "./trainer.ts";

/** A step that changed nothing, because its gradient is not finite. */
export interface BadStep {
  /** Which one. */
  readonly step: number;
  /** Mean loss of a position, nats. */
  readonly lossNats: number;
  /** Global L2 norm. */
  readonly gradientNorm: number;
  /** The names of its samples. */
  readonly names: readonly string[];
  /** What went bad first, or why that is not known. */
  readonly first: BadTensor | string;
}

/** Names told of a step in a sentence. */
const toldNames = 3;

/** Finds out what was wrong with a step that was dropped. */
export async function badStepOf(
  trainer: Trainer,
  { step, totals, gradientNorm }: StepMetrics,
  batch: readonly (TrainedShare & { readonly names: readonly string[] })[],
): Promise<BadStep> {
  const first = await trainer.diagnose(step, batch).then(
    (bad) => bad ?? "no tensor is bad when the step is taken again with the weights of now",
    (error) => `the bad tensor was not looked for (${(error as Error).message})`,
  );
  return {
    step,
    lossNats: meanLossNats(totals),
    gradientNorm,
    names: batch.flatMap(({ names }) => names),
    first,
  };
}

/** A bad step in words, without what became of it. */
export function describeBadStep({ lossNats, gradientNorm, names, first }: BadStep): string {
  const rest = names.length - toldNames;
  const files = names.slice(0, toldNames).join(", ") + (rest > 0 ? ` and ${rest} more` : "");
  return `the loss is ${lossNats} and the gradient norm ${gradientNorm}; ${
    describeFirst(first)
  }; the step was on ${files}`;
}

function describeFirst(first: BadTensor | string): string {
  if (typeof first === "string") return first;
  const { tensor, value, call } = first;
  return call === undefined
    ? `parameter "${tensor}" already holds ${value}`
    : `the first bad tensor is "${tensor}", which has ${value} after call "${call}"`;
}

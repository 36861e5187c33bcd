import { defaultSampling, type Sampling } from "@bgpt/core";

/** How bytes are drawn, for every command that generates. */
export const samplingOptions = {
  topK: {
    kind: "integer",
    minimum: 0,
    maximum: 257,
    help: "keep the N most probable bytes, 0 for all, as by default",
  },
  topP: {
    kind: "number",
    minimum: 0,
    maximum: 1,
    help: "keep the most probable bytes that reach this share, 1 by default",
  },
  temperature: {
    kind: "number",
    minimum: 0.01,
    maximum: 100,
    help: "above 1, the default, more random, below 1 less",
  },
  seed: { kind: "integer", minimum: 0, maximum: 0xffffffff, default: 0, help: "which random numbers" },
} as const;

/** What the command line says about drawing bytes. */
export interface SamplingChoice {
  readonly topK?: number;
  readonly topP?: number;
  readonly temperature?: number;
  readonly seed: number;
}

/** Draws bytes as the command line says. */
export function samplingOf(
  { topK, topP, temperature, seed }: SamplingChoice,
  greedy: boolean,
): Sampling {
  return {
    topK: topK ?? defaultSampling.topK,
    topP: topP ?? defaultSampling.topP,
    temperature: temperature ?? defaultSampling.temperature,
    greedy,
    seed,
  };
}

/** Draws bytes as the command line says; takes the most probable ones where it says nothing. */
export function greedyUnlessChosen(choice: SamplingChoice): Sampling {
  const { topK, topP, temperature } = choice;
  return samplingOf(choice, topK === undefined && topP === undefined && temperature === undefined);
}

/** Times generation, cached, of one sequence or many at a time. */
import {
  continuePrefixes,
  defaultSampling,
  initialParameters,
  parameterTable,
  prepareGeneration,
} from "@bgpt/core";
import type { Engine } from "@bgpt/kernels";
import { type Samples, summarise } from "./samples.ts";
import { benchSizes, randomStrip, type SizeName } from "./sizes.ts";

/** How often the files are generated; a peer without a cache takes so long for one that it does it once. */
const generations = 3;

/** What generating takes. */
export interface GenerationTime extends Samples {
  /** Plan, memory and packed weights; a peer's model is there before its clock starts, too. */
  readonly preparationSeconds: number;
  /** Of all sequences together; the pass over the prefixes included. */
  readonly bytesPerSecond: number;
}

/** Patches behind a quarter of the patch length: what is generated where nothing else is asked for. */
export function remainingPatches(size: SizeName): number {
  return benchSizes[size].config.patchLength * 3 / 4;
}

/** Random weights of a size; they are drawn once, for at the published size that takes seconds. */
export function generationParameters(size: SizeName): Float32Array {
  return initialParameters(parameterTable(benchSizes[size].config), 0);
}

/** Times the patches that follow a quarter of the patch length, in so many sequences at a time. */
export async function timeGeneration(
  engine: Engine,
  size: SizeName,
  parameters: Float32Array,
  { sequences, patchCount }: { readonly sequences: number; readonly patchCount: number },
): Promise<GenerationTime> {
  const { config } = benchSizes[size];
  const { patches } = randomStrip({ ...config, patchLength: config.patchLength / 4 }, 1);
  const request = {
    prefixes: Array<Uint16Array>(sequences).fill(Uint16Array.from(patches)),
    byteLimit: patchCount * config.patchSize,
    sampling: defaultSampling,
    ignoreEnd: true,
  };
  const start = performance.now();
  const { plan, execution } = await prepareGeneration(engine, config, parameters, request);
  await execution.readIntegers(plan.sequences);
  const preparationSeconds = (performance.now() - start) / 1000;
  const seconds: number[] = [];
  // One more at first, in which kernels are compiled.
  for (let i = 0; i <= generations; i++) {
    const start = performance.now();
    let byteCount = 0;
    for await (const { bytes } of continuePrefixes(execution, plan, request)) byteCount += bytes.length;
    if (byteCount !== sequences * request.byteLimit) {
      throw new Error(`Generated ${byteCount} of ${sequences * request.byteLimit} bytes`);
    }
    if (i > 0) seconds.push((performance.now() - start) / 1000);
  }
  execution.destroy();
  const samples = summarise(seconds);
  return { ...samples, preparationSeconds, bytesPerSecond: sequences * request.byteLimit / samples.seconds };
}

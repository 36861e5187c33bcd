import type { Engine } from "@bgpt/kernels";
import type { ModelConfig } from "./config.ts";
import { generate, type GenerationRequest } from "./generate.ts";

/** What to generate as a stream. */
export interface StreamRequest extends Omit<GenerationRequest, "prefixes"> {
  /** Tokens that the sequence starts from: its extension patch, then bytes, which may end inside a patch. */
  readonly prefix: Uint16Array;
}

/**
 * The new bytes of one sequence as they are made, a patch at a time, no faster than they are read. Cancelling the stream
 * frees the plan's memory.
 * @param parameters flat, in the order of the parameter table
 * @returns a stream that fails with a `RangeError` when the prefix has no whole patch or leaves no room
 * @example
 * ```ts
 * import { defaultSampling, extensionPatch, generateStream, initialParameters, parameterTable, presets } from "@bgpt/core";
 * import { CpuEngine } from "@bgpt/kernels";
 *
 * const engine = await CpuEngine.create();
 * const parameters = initialParameters(parameterTable(presets.tiny), 1);
 * const stream = generateStream(engine, presets.tiny, parameters, {
 *   prefix: extensionPatch("txt", presets.tiny.patchSize),
 *   byteLimit: 100,
 *   sampling: { ...defaultSampling, temperature: 0.8 },
 *   ignoreEnd: true,
 * });
 * for await (const bytes of stream) console.log(bytes.length); // a break cancels it
 * engine.destroy();
 * ```
 */
export function generateStream(
  engine: Engine,
  config: ModelConfig,
  parameters: Float32Array,
  { prefix, ...request }: StreamRequest,
): ReadableStream<Uint8Array> {
  const parts = generate(engine, config, parameters, { prefixes: [prefix], ...request });
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { value, done } = await parts.next();
      if (done) return controller.close();
      // Only a sequence that ends has a part without bytes, and a pull that brings nothing would not be repeated.
      if (value.bytes.length > 0) controller.enqueue(value.bytes);
      if (!value.finished) return;
      await parts.return(undefined);
      controller.close();
    },
    async cancel() {
      await parts.return(undefined);
    },
  }, { highWaterMark: 0 });
}

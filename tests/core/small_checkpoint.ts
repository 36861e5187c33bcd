import {
  type Checkpoint,
  type CheckpointFiles,
  type Config,
  initialParameters,
  modelConfig,
  packStrip,
  parameterTable,
  presets,
  RandomStream,
  type Strip,
} from "@bgpt/core";

/**
 * The smallest model there is: patch size 4, hidden 64, a block for each level. Tests on the GPU train it with dropout
 * and with {@linkcode smallCapacity}, all of them: software Vulkan compiles shaders for a minute, and finds those of the
 * same shapes in its cache (Mesa 25, 2 cores, 2026-11).
 */
export const smallConfig: Config = {
  ...presets.tiny,
  patchSize: 4,
  patchLength: 8,
  hidden: 64,
  patchLayers: 1,
  byteLayers: 1,
};

/** Patches of a strip in the tests that train {@linkcode smallConfig}. */
export const smallCapacity = 8;

/** Two files of random bytes, each of a class, that fill {@linkcode smallCapacity} to the last patch but one. */
export function smallStrip(seed: number): Strip {
  const random = new RandomStream(seed);
  const files = [4, 3].map((patches, label) => ({
    tokens: Uint16Array.from({ length: patches * smallConfig.patchSize }, () => random.below(256)),
    label,
  }));
  return packStrip(files, smallCapacity, smallConfig.patchSize);
}

/** A checkpoint of a run in the middle, all its numbers drawn from the seed. */
export function smallCheckpoint(
  seed = 0,
  step = 7,
): Checkpoint & Required<Pick<Checkpoint, "run" | "optimizer">> {
  const table = parameterTable(smallConfig);
  const draw = (stream: number) => initialParameters(table, 3 * seed + stream);
  const parameters = draw(0);
  return {
    model: modelConfig(smallConfig),
    config: smallConfig,
    parameters,
    optimizer: { step, parameters, moment1: draw(1), moment2: draw(2).map((value) => value ** 2) },
    run: {
      step,
      position: { epoch: 2, index: 5 },
      patchCapacity: 16,
      sampleCount: 11,
      best: { step: 4, lossNats: 1.5 },
    },
  };
}

/** The bytes of every file of a checkpoint. */
export function bytesOf(files: CheckpointFiles): Map<string, Uint8Array> {
  return new Map(
    Object.entries(files).map(([name, content]) => {
      const chunks = content instanceof Uint8Array ? [content] : [...content];
      return [name, Uint8Array.from(chunks.flatMap((chunk) => [...chunk]))];
    }),
  );
}

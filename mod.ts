/**
 * bgpt: byte models in TypeScript. Any file is a sequence of bytes, and one model learns to continue it.
 *
 * This module is the public face: configurations and the model, the engines that compute it, training, evaluation,
 * generation, checkpoints, and the CPU that a model can learn to simulate. It runs in browsers too; what reads and
 * writes folders is `@bgpt/core/files`.
 *
 * @example
 * ```ts
 * import { CpuEngine, extensionPatch, generateBytes, initialParameters, parameterTable, presets } from "@bgpt/bgpt";
 *
 * const engine = await CpuEngine.create();
 * const parameters = initialParameters(parameterTable(presets.tiny), 1); // untrained: it writes noise
 * const [bytes] = await generateBytes(engine, presets.tiny, parameters, {
 *   prefixes: [extensionPatch("txt", presets.tiny.patchSize)],
 *   byteLimit: 16,
 *   sampling: { topK: 0, topP: 1, temperature: 1, greedy: false, seed: 1 },
 * });
 * console.log(bytes!.length);
 * engine.destroy();
 * ```
 * @module
 */
export {
  adapterKind,
  CpuEngine,
  type CpuOptions,
  describeAdapter,
  type Engine,
  type Execution,
  findAdapter,
  type GpuDevice,
  GpuEngine,
  openDevice,
  type Plan,
  planMemory,
  ReferenceEngine,
} from "@bgpt/kernels";
export {
  bitsPerByteAsPublished,
  bitsPerRealByte,
  checkConfig,
  type Checkpoint,
  classificationTrainingPlan,
  type Classified,
  classify,
  type Config,
  decodeCheckpoint,
  defaultSampling,
  encodeCheckpoint,
  evaluateStrips,
  type Evaluation,
  evaluationPlan,
  extensionPatch,
  fileExtension,
  filePatches,
  type FileSource,
  generate,
  generateBytes,
  type GeneratedBytes,
  generateStream,
  type GenerationRequest,
  importTorchCheckpoint,
  initialParameters,
  type LossTotals,
  meanLossNats,
  type ModelConfig,
  type NamedSample,
  packStrip,
  parameterTable,
  type PresetName,
  presets,
  publishedRecipe,
  RandomStream,
  readTorchCheckpoint,
  type Sampling,
  type Strip,
  stripCapacity,
  stripsOnce,
  Trainer,
  type TrainingConfig,
  trainingPlan,
  trainingRun,
} from "@bgpt/core";
export {
  type ClassificationReport,
  ClassificationScore,
  type CpuCorpusOptions,
  cpuFile,
  cpuStateFile,
  formatClassification,
  formatStateScores,
  formatTrace,
  labelledSamples,
  labelOf,
  labelsOf,
  parseStateFile,
  predictFreeRunning,
  predictTeacherForced,
  runCpu,
  type StateFile,
  StateScore,
} from "@bgpt/tasks";

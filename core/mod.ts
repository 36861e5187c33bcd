/**
 * Bytes and patches, the model as a plan, training and checkpoints.
 * @module
 */
export * from "./random.ts";
export * from "./patches.ts";
export * from "./nearest_name.ts";
export * from "./stored_tensor.ts";
export * from "./safetensors.ts";
export * from "./sample.ts";
export { sampleDigest } from "./sample_digest.ts";
export * from "./mixture.ts";
export * from "./hold_out.ts";
export * from "./torch/torch_checkpoint.ts";
export { TorchCheckpointError } from "./torch/torch_checkpoint_error.ts";
export { type BadStep, describeBadStep } from "./bad_step.ts";
export * from "./bits.ts";
export * from "./checkpoint.ts";
export * from "./classification_plan.ts";
export * from "./classify.ts";
export * from "./coding_plan.ts";
export * from "./config.ts";
export * from "./crc32c.ts";
export { checkSameRun } from "./distributed/same_run.ts";
export * from "./distributed/communicator.ts";
export type { OptimizerPart } from "./distributed/optimizer_part.ts";
export { type Share, shareBounds, sharedCapacity } from "./distributed/share.ts";
export type { BadTensor } from "./diagnose.ts";
export * from "./evaluation.ts";
export * from "./forward.ts";
export * from "./generate.ts";
export * from "./generate_stream.ts";
export * from "./generation_plan.ts";
export * from "./import_torch.ts";
export * from "./initialise_from.ts";
export * from "./model.ts";
export { flatTensors, namedTensors } from "./named_tensors.ts";
export * from "./next_byte.ts";
export * from "./parameters.ts";
export * from "./presets.ts";
export * from "./schedule.ts";
export * from "./strip.ts";
export * from "./strip_reader.ts";
export * from "./trainer.ts";
export * from "./training_plan.ts";
export * from "./training_run.ts";
export * from "./vocabulary.ts";
export * from "./windows.ts";

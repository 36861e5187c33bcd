/**
 * Bytes and patches, the model as a plan, training and checkpoints.
 * @module
 */
export * from "./random.ts";
export * from "./patches.ts";
export * from "./nearest_name.ts";
export * from "./stored_tensor.ts";
export * from "./safetensors.ts";
export * from "./torch/torch_checkpoint.ts";
export { TorchCheckpointError } from "./torch/torch_checkpoint_error.ts";

/** What is wrong with bytes that should be a checkpoint saved by PyTorch. */
export class TorchCheckpointError extends SyntaxError {
  /** The name of the class. */
  override name = "TorchCheckpointError";

  /** An error that says `problem`, which stands after "Cannot read PyTorch checkpoint: ". */
  constructor(problem: string) {
    super(`Cannot read PyTorch checkpoint: ${problem}`);
  }
}

/** Throws a {@linkcode TorchCheckpointError}. */
export function fail(problem: string): never {
  throw new TorchCheckpointError(problem);
}

/** A text of the file as it may stand in a message: on one line, and short. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}

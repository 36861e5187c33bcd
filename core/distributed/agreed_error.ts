/** What ends a run in all ranks at the same place, so that they can still work together: to keep what was trained. */
export class AgreedError extends Error {
  /** `AgreedError`. */
  override name = "AgreedError";
}

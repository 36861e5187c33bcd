/** Local stand-in for `jsr:@std/assert` over Node's own assertions: only what this project uses. */
import assertions from "node:assert/strict";

/** Throws unless `condition` is truthy. */
export function assert(condition: unknown, message = "Assertion failed"): asserts condition {
  assertions.ok(condition, message);
}
/** Throws unless the two are deeply equal. */
export function assertEquals<T>(actual: T, expected: T, message?: string): void {
  assertions.deepStrictEqual(actual, expected, message);
}

// deno-lint-ignore no-explicit-any -- as in the original: any constructor of an error
type ErrorClass<E extends Error> = new (...args: any[]) => E;

function checkedError<E extends Error>(error: unknown, ErrorClass?: ErrorClass<E>, msgIncludes?: string): E {
  assert(
    error instanceof (ErrorClass ?? Error),
    `Expected ${ErrorClass?.name ?? "an Error"}, but got ${error}`,
  );
  assert(error.message.includes(msgIncludes ?? ""), `Expected "${msgIncludes}" in "${error.message}"`);
  return error as E;
}
/** Throws unless `fn` throws; returns what it threw. */
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  ErrorClass?: ErrorClass<E>,
  msgIncludes?: string,
): E {
  try {
    fn();
  } catch (error) {
    return checkedError(error, ErrorClass, msgIncludes);
  }
  throw new assertions.AssertionError({ message: "Expected function to throw" });
}
/** Throws unless the promise of `fn` rejects; resolves to what it rejected with. */
export async function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  ErrorClass?: ErrorClass<E>,
  msgIncludes?: string,
): Promise<E> {
  try {
    await fn();
  } catch (error) {
    return checkedError(error, ErrorClass, msgIncludes);
  }
  throw new assertions.AssertionError({ message: "Expected function to reject" });
}
/** Throws unless the two differ by at most the tolerance. */
export function assertAlmostEquals(
  actual: number,
  expected: number,
  tolerance = 1e-7,
  message?: string,
): void {
  if (Object.is(actual, expected) || Math.abs(expected - actual) <= tolerance) return;
  throw new assertions.AssertionError({
    message: message ?? `Expected ${actual} to be within ${tolerance} of ${expected}`,
  });
}

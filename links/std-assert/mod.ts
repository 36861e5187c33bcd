/**
 * Local stand-in for `jsr:@std/assert` over Node's own comparisons: only what this project uses, with the signatures of
 * the real ones.
 * @module
 */
import assertions from "node:assert/strict";
import { inspect, isDeepStrictEqual } from "node:util";

/** What a failed assertion throws. */
export class AssertionError extends Error {
  override name = "AssertionError";
}

// deno-lint-ignore no-explicit-any
type Constructor<T> = abstract new (...args: any[]) => T;

function show(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value) : inspect(value, { depth: 4, breakLength: 100 });
}

function raise(message: string, remark?: string): never {
  throw new AssertionError(remark === undefined ? message : `${message}: ${remark}`);
}

/** Throws unless the expression is truthy. */
export function assert(expr: unknown, msg = ""): asserts expr {
  if (!expr) throw new AssertionError(msg);
}

/** Throws unless the expression is false. */
export function assertFalse(expr: unknown, msg = ""): asserts expr is false {
  if (expr) throw new AssertionError(msg);
}

/** Throws unless the two are deeply equal, types and signs of zero included. */
export function assertEquals<T>(actual: T, expected: T, msg?: string): void {
  // Node's own assertion would draw a difference of both, which for two million numbers takes all memory there is.
  if (!isDeepStrictEqual(actual, expected)) {
    raise(`Values are not equal: actual ${show(actual)}, expected ${show(expected)}`, msg);
  }
}

/** Throws if the two are deeply equal. */
export function assertNotEquals<T>(actual: T, expected: T, msg?: string): void {
  if (isDeepStrictEqual(actual, expected)) {
    raise(`Expected actual: ${show(actual)} not to be: ${show(expected)}`, msg);
  }
}

/** Throws unless the two are the same value (`Object.is`). */
export function assertStrictEquals<T>(actual: unknown, expected: T, msg?: string): asserts actual is T {
  if (!Object.is(actual, expected)) raise(`${show(actual)} is not strictly equal to ${show(expected)}`, msg);
}

/** Throws unless the value is neither `undefined` nor `null`. */
export function assertExists<T>(actual: T, msg?: string): asserts actual is NonNullable<T> {
  if (actual === undefined || actual === null) raise(`Expected a value, got ${actual}`, msg);
}

/**
 * Throws unless the two are within `tolerance`, by default 1e-7 of the expected value.
 */
export function assertAlmostEquals(actual: number, expected: number, tolerance?: number, msg?: string): void {
  if (Object.is(actual, expected)) return;
  const delta = Math.abs(expected - actual);
  const allowed = tolerance ?? (Number.isFinite(expected) ? Math.abs(expected * 1e-7) : 1e-7);
  if (!(delta <= allowed)) {
    raise(
      `Expected ${actual} to be close to ${expected}: the difference is ${delta}, not at most ${allowed}`,
      msg,
    );
  }
}

/** Throws unless `actual > expected`. */
export function assertGreater<T>(actual: T, expected: T, msg?: string): void {
  if (!(actual > expected)) raise(`Expected ${show(actual)} > ${show(expected)}`, msg);
}

/** Throws unless `actual >= expected`. */
export function assertGreaterOrEqual<T>(actual: T, expected: T, msg?: string): void {
  if (!(actual >= expected)) raise(`Expected ${show(actual)} >= ${show(expected)}`, msg);
}

/** Throws unless `actual < expected`. */
export function assertLess<T>(actual: T, expected: T, msg?: string): void {
  if (!(actual < expected)) raise(`Expected ${show(actual)} < ${show(expected)}`, msg);
}

/** Throws unless `actual <= expected`. */
export function assertLessOrEqual<T>(actual: T, expected: T, msg?: string): void {
  if (!(actual <= expected)) raise(`Expected ${show(actual)} <= ${show(expected)}`, msg);
}

/** Throws unless the text has the other in it. */
export function assertStringIncludes(actual: string, expected: string, msg?: string): void {
  if (!actual.includes(expected)) {
    raise(`Expected actual: ${show(actual)} to contain: ${show(expected)}`, msg);
  }
}

/** Throws unless each expected item is deeply equal to one of the array's. */
export function assertArrayIncludes<T>(actual: ArrayLike<T>, expected: ArrayLike<T>, msg?: string): void {
  const missing = Array.from(expected).filter((item) =>
    !Array.from(actual).some((other) => isEqual(item, other))
  );
  if (missing.length > 0) raise(`Expected actual: ${show(actual)} to include: ${show(missing)}`, msg);
}

/** Throws unless the text matches. */
export function assertMatch(actual: string, expected: RegExp, msg?: string): void {
  if (!expected.test(actual)) raise(`Expected actual: ${show(actual)} to match: ${show(expected)}`, msg);
}

/** Throws if the text matches. */
export function assertNotMatch(actual: string, expected: RegExp, msg?: string): void {
  if (expected.test(actual)) raise(`Expected actual: ${show(actual)} to not match: ${show(expected)}`, msg);
}

/** Throws unless the value is an instance of the class. */
export function assertInstanceOf<T>(
  actual: unknown,
  expectedType: Constructor<T>,
  msg?: string,
): asserts actual is T {
  if (!(actual instanceof expectedType)) {
    raise(`Expected object to be an instance of ${expectedType.name} but was ${show(actual)}`, msg);
  }
}

/** Throws unless the value is an `Error` of the class whose message includes the text. */
export function assertIsError<E extends Error = Error>(
  error: unknown,
  ErrorClass?: Constructor<E>,
  msgMatches?: string | RegExp,
  msg?: string,
): asserts error is E {
  if (!(error instanceof Error)) raise(`Expected "error" to be an Error object but was ${show(error)}`, msg);
  if (ErrorClass && !(error instanceof ErrorClass)) {
    raise(
      `Expected error to be instance of ${ErrorClass.name}, but was ${error.constructor.name}: ${error.message}`,
      msg,
    );
  }
  const matches = msgMatches instanceof RegExp
    ? msgMatches.test(error.message)
    : error.message.includes(msgMatches ?? "");
  if (!matches) {
    raise(`Expected error message to include ${show(msgMatches)}, but got ${show(error.message)}`, msg);
  }
}

/** Throws unless the function throws, and returns what it threw. */
export function assertThrows(fn: () => unknown, msg?: string): unknown;
/** Throws unless the function throws an error of the class whose message includes the text, and returns the error. */
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  ErrorClass: Constructor<E>,
  msgIncludes?: string,
  msg?: string,
): E;
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  classOrMessage?: Constructor<E> | string,
  msgIncludes?: string,
  msg?: string,
): unknown {
  try {
    fn();
  } catch (error) {
    return checked(error, classOrMessage, msgIncludes, msg);
  }
  raise("Expected function to throw", typeof classOrMessage === "string" ? classOrMessage : msg);
}

/** Throws unless the promise is rejected, and returns the reason. */
export function assertRejects(fn: () => PromiseLike<unknown>, msg?: string): Promise<unknown>;
/** Throws unless the promise is rejected with an error of the class whose message includes the text; returns the error. */
export function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  ErrorClass: Constructor<E>,
  msgIncludes?: string,
  msg?: string,
): Promise<E>;
export async function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  classOrMessage?: Constructor<E> | string,
  msgIncludes?: string,
  msg?: string,
): Promise<unknown> {
  const remark = typeof classOrMessage === "string" ? classOrMessage : msg;
  let promise: PromiseLike<unknown>;
  try {
    promise = fn();
  } catch (error) {
    raise(`Function throws when expected to reject, with ${show(error)}`, remark);
  }
  try {
    await promise;
  } catch (error) {
    return checked(error, classOrMessage, msgIncludes, msg);
  }
  raise("Expected function to reject", remark);
}

/** Throws, always. */
export function fail(msg?: string): never {
  raise("Failed assertion", msg);
}

function checked<E extends Error>(
  error: unknown,
  classOrMessage: Constructor<E> | string | undefined,
  msgIncludes?: string,
  msg?: string,
): unknown {
  if (typeof classOrMessage === "function") assertIsError(error, classOrMessage, msgIncludes, msg);
  return error;
}

function isEqual(one: unknown, other: unknown): boolean {
  try {
    assertions.deepStrictEqual(one, other);
    return true;
  } catch {
    return false;
  }
}

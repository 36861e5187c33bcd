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

// The stand-ins of links/ are held to what the documentation of the real @std packages says.
import * as assertions from "@std/assert";
import { assertEquals, assertInstanceOf, assertStringIncludes, assertThrows } from "@std/assert";
import { parseArgs } from "@std/cli/parse-args";
import * as path from "@std/path";

/** Asserts that a stand-in's assertion fails, by the real package's error, and returns the message. */
function failure(assertion: () => unknown): string {
  try {
    assertion();
  } catch (error) {
    if (error instanceof assertions.AssertionError) return error.message;
    throw error;
  }
  throw new Error("The assertion did not fail");
}

Deno.test("parseArgs() takes values behind a name and behind an equals sign", () => {
  assertEquals(parseArgs(["--a", "x", "--b=y", "z"], { string: ["a", "b"] }), { a: "x", b: "y", _: ["z"] });
});

Deno.test("parseArgs() turns what looks like a number into one unless it is declared a string", () => {
  assertEquals(parseArgs(["--a", "1", "--b", "0x10", "--c", "1e2", "7"], { string: ["a"] }), {
    a: "1",
    b: 16,
    c: 100,
    _: [7],
  });
});

Deno.test("parseArgs() gives absent booleans false, and takes no value for them but true or false", () => {
  const options = { boolean: ["a", "b", "c"] };
  assertEquals(parseArgs(["--a", "x", "--b", "false"], options), { a: true, b: false, c: false, _: ["x"] });
});

Deno.test("parseArgs() keeps the last of repeated values, or all where it collects", () => {
  const options = { string: ["a", "b", "c"], collect: ["b", "c"] };
  assertEquals(parseArgs(["--a=1", "--a=2", "--b=1", "--b=2"], options), {
    a: "2",
    b: ["1", "2"],
    c: [],
    _: [],
  });
});

Deno.test("parseArgs() negates only what is negatable", () => {
  const options = { boolean: ["a"], negatable: ["b"] };
  assertEquals(parseArgs(["--no-a", "--no-b"], options), { a: false, "no-a": true, b: false, _: [] });
});

Deno.test("parseArgs() gives a string without a value the empty string and takes no option for a value", () => {
  assertEquals(parseArgs(["--a", "--b", "-1"], { string: ["a", "b"] }), { a: "", b: "", "1": true, _: [] });
});

Deno.test("parseArgs() leaves what follows a lone -- alone", () => {
  assertEquals(parseArgs(["a", "--", "--b", "1"]), { _: ["a", "--b", "1"] });
  assertEquals(parseArgs(["a", "--", "--b", "1"], { "--": true }), { _: ["a"], "--": ["--b", "1"] });
});

Deno.test("parseArgs() fills in defaults, under the aliases too", () => {
  const options = { string: ["port"], alias: { port: "p" }, default: { port: "80" } };
  assertEquals(parseArgs([], options), { port: "80", p: "80", _: [] });
  assertEquals(parseArgs(["-p", "81"], options), { port: "81", p: "81", _: [] });
});

Deno.test("parseArgs() stops at the first positional argument when asked to", () => {
  assertEquals(parseArgs(["--a", "run", "--b"], { boolean: ["a"], stopEarly: true }), {
    a: true,
    _: ["run", "--b"],
  });
});

Deno.test("parseArgs() shows what it does not know and drops what is answered by false", () => {
  const seen: unknown[] = [];
  const parsed = parseArgs(["--a=1", "--b=2", "c"], {
    string: ["a"],
    unknown: (...given) => (seen.push(given), false),
  });
  assertEquals(parsed, { a: "1", _: [] });
  assertEquals(seen, [["--b=2", "b", "2"], ["c"]]);
});

Deno.test("assertEquals() compares deeply, and tells NaN, the zeros and types apart as Object.is() does", () => {
  assertEquals({ a: [1, new Map([[1, new Set([NaN])]])] }, { a: [1, new Map([[1, new Set([NaN])]])] });
  assertEquals(new Float32Array([1, NaN]), new Float32Array([1, NaN]));
  for (const [one, other] of [[0, -0], [1, "1"], [[1], [1, 2]], [{ a: undefined }, {}], [[1], { 0: 1 }]]) {
    failure(() => assertEquals<unknown>(one, other));
    assertions.assertNotEquals<unknown>(one, other);
  }
  failure(() => assertions.assertNotEquals([1], [1]));
  assertStringIncludes(failure(() => assertEquals(1, 2, "the remark")), "the remark");
});

Deno.test("assertAlmostEquals() allows a ten-millionth of the expected value, or the tolerance", () => {
  assertions.assertAlmostEquals(1e9 + 99, 1e9);
  failure(() => assertions.assertAlmostEquals(1e9 + 101, 1e9));
  assertions.assertAlmostEquals(1.4, 1, 0.5);
  failure(() => assertions.assertAlmostEquals(1.6, 1, 0.5));
  assertions.assertAlmostEquals(NaN, NaN);
  failure(() => assertions.assertAlmostEquals(NaN, 1, 1));
});

Deno.test("assertThrows() wants the class and the message, and gives back the error", () => {
  const boom = () => {
    throw new RangeError("length is 3, at least 4 is required");
  };
  assertEquals(assertThrows(boom, Error, "length is 3").name, "RangeError");
  assertInstanceOf(assertThrows(boom, "remark"), RangeError);
  failure(() => assertThrows(boom, TypeError));
  failure(() => assertThrows(boom, RangeError, "length is 4"));
  assertStringIncludes(failure(() => assertThrows(() => 1)), "Expected function to throw");
  failure(() =>
    assertThrows(() => {
      throw "no error";
    }, Error)
  );
});

Deno.test("assertRejects() wants a rejected promise, not a throw", async () => {
  const error = await assertions.assertRejects(
    () => Promise.reject(new TypeError("not a number")),
    TypeError,
    "not a",
  );
  assertEquals(error.message, "not a number");
  const failures = [
    () => assertions.assertRejects(() => Promise.resolve()),
    () => assertions.assertRejects(() => Promise.reject(new Error("x")), TypeError),
    () => assertions.assertRejects(() => Promise.reject(new Error("x")), Error, "y"),
    () =>
      assertions.assertRejects(() => {
        throw new Error("thrown at once");
      }),
  ];
  for (const each of failures) {
    assertInstanceOf(
      await each().then(() => undefined, (error: unknown) => error),
      assertions.AssertionError,
    );
  }
});

Deno.test("the small assertions pass and fail where they should", () => {
  const passes: (() => void)[] = [
    () => assertions.assert(1),
    () => assertions.assertFalse(false),
    () => assertions.assertStrictEquals("a", "a"),
    () => assertions.assertExists(0),
    () => assertions.assertGreater(2, 1),
    () => assertions.assertGreaterOrEqual(1, 1),
    () => assertions.assertLess(1, 2),
    () => assertions.assertLessOrEqual(1, 1),
    () => assertions.assertStringIncludes("abc", "b"),
    () => assertions.assertArrayIncludes([1, [2]], [[2]]),
    () => assertions.assertMatch("abc", /b/),
    () => assertions.assertNotMatch("abc", /d/),
    () => assertions.assertInstanceOf([], Array),
    () => assertions.assertIsError(new TypeError("x y"), TypeError, /x.y/),
  ];
  for (const pass of passes) pass();
  const failures: (() => void)[] = [
    () => assertions.assert(0, "remark"),
    () => assertions.assertFalse(true),
    () => assertions.assertStrictEquals<unknown>([], []),
    () => assertions.assertExists(null),
    () => assertions.assertGreater(1, 1),
    () => assertions.assertGreater(NaN, 1),
    () => assertions.assertGreaterOrEqual(0, 1),
    () => assertions.assertLess(1, 1),
    () => assertions.assertLessOrEqual(NaN, 1),
    () => assertions.assertStringIncludes("abc", "d"),
    () => assertions.assertArrayIncludes([1, 2], [1, 3]),
    () => assertions.assertMatch("abc", /d/),
    () => assertions.assertNotMatch("abc", /b/),
    () => assertions.assertInstanceOf({}, Array),
    () => assertions.assertIsError({ message: "x" }),
    () => assertions.fail(),
  ];
  for (const each of failures) failure(each);
});

Deno.test("paths are joined, split and turned into URLs", () => {
  assertEquals(path.join("a", "..", "b", "c.txt"), "b/c.txt");
  assertEquals([path.dirname("a/b.txt"), path.basename("a/b.txt"), path.extname("a/b.txt")], [
    "a",
    "b.txt",
    ".txt",
  ]);
  assertEquals([path.relative("/a/b", "/a/c"), path.resolve("/a", "../b")], ["../c", "/b"]);
  assertEquals([path.isAbsolute("/a"), path.isAbsolute("a")], [true, false]);
  assertEquals(path.toFileUrl("/a b").href, "file:///a%20b");
  assertEquals(path.fromFileUrl("file:///a%20b"), "/a b");
});

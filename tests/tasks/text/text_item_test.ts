import { textItem } from "@bgpt/tasks/text";
import { assertEquals, assertThrows } from "@std/assert";

Deno.test("columns of the text stand on lines of their own, in the order that was asked for", () => {
  const cells = { a: "first", b: 2, c: true };
  assertEquals(textItem(cells, { text: ["c", "a", "b"] }), { text: "true\nfirst\n2" });
});

Deno.test("a label becomes fit for a name that is read up to the first _", () => {
  const label = (label: unknown) => textItem({ label, t: "x" }, { text: ["t"], label: "label" }).label;
  assertEquals(
    [" Sci/Tech ", "a_b c", "..\\up", 3n, "été"].map(label),
    ["Sci-Tech", "a-b-c", "-.-up", "3", "été"],
  );
  assertThrows(() => label(" "), RangeError, 'its label, column "label", is empty');
  assertThrows(() => label(null), RangeError, 'its column "label" is null');
});

Deno.test("what is no text is refused by its column", () => {
  const refused = (cells: Record<string, unknown>, reason: string) =>
    assertThrows(() => textItem(cells, { text: ["t"] }), RangeError, reason);
  refused({ a: 1, b: 2 }, 'it has no column "t", it has a, b');
  refused({}, "it has none");
  refused({ t: { x: 1 } }, 'its column "t" is no text, but {"x":1}');
  refused({ t: " \n" }, "its text is empty");
  assertThrows(() => textItem({}, { text: ["constructor"] }), RangeError, 'no column "constructor"');
});

import { assertEquals } from "@std/assert";
import fc from "../fast_check.ts";
import { duplicateKey } from "../../core/duplicate_key.ts";

Deno.test("a key that stands twice in one object is found at any depth", () => {
  assertEquals(duplicateKey('{"a":1,"b":2,"a":3}'), "a");
  assertEquals(duplicateKey('[{"a":{"b":1,"c":[{"d":1}],"b":2}}]'), "b");
});

Deno.test("two spellings of a key are the same key", () => {
  assertEquals(duplicateKey('{"a":1,"\\u0061":2}'), "a");
  assertEquals(duplicateKey('{"\\"":1, "\\u0022" : 2}'), '"');
});

Deno.test("a key may stand in two objects, as a value, and inside a string", () => {
  const once = [
    '{"a":{"a":1},"b":{"a":"a"}}',
    '[{"a":1},{"a":1}]',
    '{"a":"\\",\\"a\\":1","b":"{"}',
    '"a"',
    "1",
  ];
  for (const json of once) assertEquals(duplicateKey(json), undefined);
});

Deno.test("no value that JSON.stringify wrote has a key twice", () => {
  fc.assert(fc.property(fc.json(), (json) => assertEquals(duplicateKey(json), undefined)));
});

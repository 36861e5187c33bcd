import { assertEquals, assertThrows } from "@std/assert";
import { findPairs, parseConversion } from "@bgpt/tasks";

const filesOf = (...paths: string[]) => paths.map((path) => ({ path, byteLength: 1 }));

Deno.test("an arrow is one way, a double arrow both", () => {
  assertEquals(parseConversion("abc->mid"), { from: "abc", to: "mid", bothWays: false });
  assertEquals(parseConversion("wav<->txt"), { from: "wav", to: "txt", bothWays: true });
});

Deno.test("pairs that are no two extensions with an arrow are refused", () => {
  for (
    const wrong of [
      "abc",
      "abc&mid",
      "abc:mid",
      "->mid",
      "abc->",
      "abc->abc",
      "abc<-mid",
      "a->b->c",
      "a -> b",
    ]
  ) {
    assertThrows(
      () => parseConversion(wrong),
      SyntaxError,
      `Cannot read pairs "${wrong}": two different extensions`,
    );
  }
});

Deno.test("a pair has one path up to its last dot; who has no partner is told, and other files are left alone", () => {
  const files = filesOf(
    "a/1.abc",
    "a/1.mid",
    "b/1.abc",
    "b/2.mid",
    "a/2.x.abc",
    "a/2.mid",
    "c/3.mid",
    "c/3.abc",
    "c/README.md",
  ); // deno-fmt-ignore
  assertEquals(findPairs(files, parseConversion("abc->mid")), {
    pairs: [{ source: 0, target: 1 }, { source: 7, target: 6 }],
    alone: ["b/1.abc", "a/2.x.abc", "b/2.mid", "a/2.mid"],
  });
  assertEquals(findPairs(files, parseConversion("mid->abc")).pairs, [
    { source: 1, target: 0 },
    { source: 6, target: 7 },
  ]);
});

Deno.test("files without any pair are refused with what was found", () => {
  assertThrows(
    () => findPairs(filesOf("1.abc", "2.abc", "3.midi", "4.mid"), parseConversion("abc->mid")),
    Error,
    "Cannot find pairs: of 4 files 2 end in .abc and 1 in .mid, none of which are called alike. A pair is NAME.abc and NAME.mid",
  );
});

import { tuneExcerpts } from "@bgpt/tasks";
import { assertEquals, assertThrows } from "@std/assert";

const tune = "Q:1/4=90\r\nL:1/8\r\nM:2/4\r\nK:D\r\n";
const bodies = (abc: string, bars: number) =>
  tuneExcerpts(tune + abc, bars).map((excerpt) => {
    assertEquals(excerpt.slice(0, tune.length), tune);
    return excerpt.slice(tune.length);
  });

Deno.test("a tune is cut into its bars, some at a time, each excerpt with the fields before the music", () => {
  assertEquals(bodies("A|BcdB|cdec|dBAG|G4|", 2), ["A|BcdB|", "cdec|dBAG|", "G4|"]);
  assertEquals(bodies("A|BcdB|cdec|", 10), ["A|BcdB|cdec|"]);
});

Deno.test("bars are found over every kind of bar line, over repeats, endings and ends of lines", () => {
  assertEquals(
    bodies("|:ABcd|e2d2:|\r\n|:f4|[1 g4:|[2 a4||\r\nb4::c'4|1 d'4:|2 e'4|]", 1),
    ["ABcd|", "e2d2|", "f4|", "g4|", "a4|", "b4|", "c'4|", "d'4|", "e'4|"],
  );
});

Deno.test("the order of parts, continuations and old line breaks are left out", () => {
  assertEquals(bodies("P:A\r\nA4|B4|\\\r\nc4|!\r\nd4|", 4), ["A4|B4|c4|d4|"]);
  assertEquals(tuneExcerpts("P:AB\r\nL:1/8\r\nK:C\r\nC4|", 1), ["L:1/8\r\nK:C\r\nC4|"]);
});

Deno.test("an excerpt begins with the key, length, metre and tempo that the music before it left", () => {
  const header = "L:1/8\r\nM:2/4\r\nK:D\r\n";
  const music = "D4|[M:3/4]E6|\r\nK:G\r\nF6|[Q:90]G6||[L:1/4]|A3|B3|";
  assertEquals(tuneExcerpts(header + music, 2), [
    `${header}D4|[M:3/4]E6|`,
    "L:1/8\r\nM:3/4\r\nK:D\r\n[K:G] F6|[Q:90]G6|",
    "L:1/8\r\nM:3/4\r\nQ:90\r\nK:G\r\n[L:1/4]A3|B3|",
  ]);
});

Deno.test("music that begins like a field is music", () => {
  assertEquals(bodies("G4|\r\nA:|\r\nd::e|", 1), ["G4|", "A|", "d|", "e|"]);
});

Deno.test("chords, fields and numbers within a bar are no bar lines", () => {
  assertEquals(bodies('"Am"[Ace]2 (3ABc|d2 [r:dolce] e2|', 1), ['"Am"[Ace]2 (3ABc|', "d2 [r:dolce] e2|"]);
});

Deno.test("a tune without a bar, of several voices, or cut into no whole bars, is refused by name", () => {
  const refused = (abc: string, bars: number, reason: string) =>
    assertThrows(() => tuneExcerpts(abc, bars), Error, reason);
  refused(`${tune}||`, 2, "Cannot cut ABC: it has no bar");
  refused(`${tune}V:1\r\nA4|\r\nV:2\r\nD4|`, 2, 'it changes voice in "V:1"');
  refused(`${tune}[V:2]A4|`, 2, 'it changes voice in "[V:2]A4|"');
  refused("A4|", 2, "it has no K: line");
  for (const bars of [0, 0.5, NaN]) refused(`${tune}A4|`, bars, `bars is ${bars}, an integer of at least 1`);
});

Deno.test("a million colons are cut at once", () => {
  assertEquals(bodies(`A4${":".repeat(1e6)}B4|`, 1), ["A4|", "B4|"]);
});

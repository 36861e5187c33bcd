import { tuneExcerpts } from "@bgpt/tasks";
import { assertEquals } from "@std/assert";

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

Deno.test("fields in the body, the order of parts, continuations and old line breaks are left out", () => {
  assertEquals(bodies("P:A\r\nA4|B4|\\\r\nK:G\r\nc4|!\r\nd4|", 4), ["A4|B4|c4|d4|"]);
  assertEquals(tuneExcerpts("P:AB\r\nL:1/8\r\nK:C\r\nC4|", 1), ["L:1/8\r\nK:C\r\nC4|"]);
});

Deno.test("chords, fields and numbers within a bar are no bar lines", () => {
  assertEquals(bodies('"Am"[Ace]2 (3ABc|[M:3/4]d2 e2 f2|', 1), ['"Am"[Ace]2 (3ABc|', "[M:3/4]d2 e2 f2|"]);
});

import { abcForMidi, publishedAbc, splitTuneBook } from "@bgpt/tasks";
import { assertEquals, assertThrows } from "@std/assert";

const tune = (abc: string) => splitTuneBook(abc)[0]!;

Deno.test("a tune book is split at X:, what stands between tunes left out", () => {
  const book = "% a book\n\nX:7\nT:One\nK:C\nCDE|\n\nThe next is older.\n\nX: 8 \r\nK:G\r\nGAB|";
  assertEquals(splitTuneBook(book), [
    { number: 1, reference: "7", lines: ["X:7", "T:One", "K:C", "CDE|"] },
    { number: 2, reference: "8", lines: ["X: 8 ", "K:G", "GAB|"] },
  ]);
});

Deno.test("a text without X: is one tune", () => {
  assertEquals(splitTuneBook("\n\nL:1/8\nK:C\nCDE|\n"), [{ number: 1, lines: ["L:1/8", "K:C", "CDE|"] }]);
});

Deno.test("a tune is written as the published ones are: what the music depends on, CR LF between lines", () => {
  const abc = publishedAbc(tune(
    "X:1\nT:Title\nC:Me\nS:here\nB:book\nE:9\nM:6/8\nQ:1/4=90\nR:jig\nL:1/8\nV:1\nK:D % bright\nfed|\n% a comment\n" +
      "w:la la\n%%MIDI program 9\nM:9/8\nABc \\% d|",
  ));
  assertEquals(abc, "Q:1/4=90\r\nV:1\r\nL:1/8\r\nM:6/8\r\nK:D\r\nfed|\r\nM:9/8\r\nABc \\% d|");
});

Deno.test("a tune without a key or without music is refused", () => {
  assertThrows(() => publishedAbc(tune("X:1\nT:No key\nabc|")), SyntaxError, "it has no K: line");
  assertThrows(
    () => publishedAbc(tune("X:1\nK:C\nT:more\n")),
    SyntaxError,
    "it has no music after its K: line",
  );
  assertThrows(() => abcForMidi("L:1/8\nabc"), SyntaxError, "it has no K: line");
});

Deno.test("a line of music that begins like a field is music for abc2midi too", () => {
  const music = ["E:|", "B:| c4|", "S::E|"];
  const abc = publishedAbc(tune(["X:1", "K:C", ...music].join("\n")));
  assertEquals(abc.split("\r\n"), ["K:C", ...music]);
  assertEquals(abcForMidi(abc).split("\n").slice(-music.length), music);
});

Deno.test("for abc2midi the published sounds stand around the first key alone", () => {
  const lines = abcForMidi("S:3\r\nB:4\r\nE:5\r\nL:1/8\r\nK:C\r\nCD\r\nK:G\r\nGA").split("\n");
  assertEquals(lines.filter((line) => !line.startsWith("%%MIDI ")), [
    "X:1",
    "L:1/8",
    "K:C",
    "CD",
    "K:G",
    "GA",
  ]);
  assertEquals(lines.indexOf("K:C"), 8);
  assertEquals(lines.slice(9, 11), ["%%MIDI program 1 0", "%%MIDI control 7 96"]);
});

import { ConversionScore } from "@bgpt/tasks";
import { assertEquals } from "@std/assert";
import { Abc2Midi } from "../../cli/abc2midi.ts";
import { ComparedTunes } from "../../cli/compared_tunes.ts";
import { midiFile } from "../tasks/music/midi_files.ts";
import { abcTest } from "./with_abc2midi.ts";

const utf8 = (text: string) => new TextEncoder().encode(text);

/** The counts of outputs that parse, and have all notes right. */
async function scoreOf(tunes: ComparedTunes, source: Uint8Array, expected: Uint8Array, actual: Uint8Array) {
  const score = new ConversionScore();
  const music = await tunes.compare(source, expected, actual);
  score.add({ expected, actual, ended: true, ...(music && { music }) });
  const { outputs, parsed, allNotesRight } = score.report().music!;
  return [outputs, parsed, allNotesRight];
}

abcTest("ABC is compared after a round trip with the MIDI that it was made of", async () => {
  const abc = "L:1/8\r\nM:4/4\r\nK:C\r\nCDEF GABc|";
  using converter = await Abc2Midi.find();
  const midi = await converter.convert(abc);
  using tunes = await ComparedTunes.open("mid", "abc");
  const score = (actual: string) => scoreOf(tunes, midi, utf8(abc), utf8(actual));
  assertEquals(await score(abc), [1, 1, 1]);
  // The same notes, written otherwise.
  assertEquals(await score("L:1/16\nM:4/4\nK:C\nC2D2E2F2 G2A2B2c2|"), [1, 1, 1]);
  assertEquals(await score(abc.replace("DEF", "DED")), [1, 1, 0]);
  assertEquals(await score("no tune at all"), [1, 0, 0]);
  assertEquals(await score(abc.replace("DEF", "D#$F")), [1, 0, 0]);
});

Deno.test("MIDI is compared as it is, whatever it was made of", async () => {
  using tunes = await ComparedTunes.open("txt", "mid");
  const note = (pitch: number) => midiFile([[0, 0x90, pitch, 90, 9, pitch, 0, 0, 0xff, 0x2f, 0]]);
  assertEquals(await scoreOf(tunes, utf8("C"), note(60), note(60)), [1, 1, 1]);
  assertEquals(await scoreOf(tunes, utf8("C"), note(60), note(61)), [1, 1, 0]);
});

Deno.test("formats without music, and expected files that are no MIDI, are not compared", async () => {
  const bytes = utf8("MThd");
  for (const [from, to] of [["txt", "abc"], ["abc", "txt"], ["abc", "mid"]] as const) {
    using tunes = await ComparedTunes.open(from, to);
    assertEquals(await tunes.compare(bytes, bytes, bytes), undefined, `${from} to ${to}`);
  }
});

import { assertEquals, assertRejects } from "@std/assert";
import { Abc2Midi } from "../../cli/abc2midi.ts";
import { sharedPath } from "../shared.ts";
import { abcTest } from "./with_abc2midi.ts";

const vectors = sharedPath("spec", "vectors");

if (vectors === undefined) {
  Deno.test({
    name: "the published MIDI is made byte for byte (needs ../shared/spec)",
    ignore: true,
    fn: () => {},
  });
} else {
  abcTest("the published MIDI is made byte for byte of the published ABC", async () => {
    using converter = await Abc2Midi.find();
    const abc = await Deno.readTextFile(`${vectors}/original-abc.abc`);
    assertEquals(await converter.convert(abc), await Deno.readFile(`${vectors}/original-mid.mid`));
  });
}

abcTest("a tune with an error, or without notes, makes no MIDI, and the next one does", async () => {
  using converter = await Abc2Midi.find();
  const good = "L:1/8\nK:C\nCDEF|";
  const first = await converter.convert(good);
  await assertRejects(() => converter.convert("L:1/8\nK:C\nC ] D }|"), Error, "abc2midi says: Error in line");
  await assertRejects(() => converter.convert("L:1/8\nK:C\nz8|"), Error, "its MIDI has no notes");
  await assertRejects(() => converter.convert("CDEF|"), SyntaxError, "it has no K: line");
  assertEquals(await converter.convert(good), first);
});

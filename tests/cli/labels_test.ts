import { assertEquals, assertThrows } from "@std/assert";
import { labelledStem, labelSource } from "../../cli/labels.ts";

Deno.test("a folder's name becomes a label without _ and spaces, before the file's own name", () => {
  assertEquals(labelledStem("data/cat/x_1.jpg", "folder"), "cat_x_1");
  assertEquals(labelledStem("data/polar bear_2/x.jpg", "folder"), "polar-bear-2_x");
});

Deno.test("a name that begins with a label keeps it, one without is refused", () => {
  assertEquals(labelledStem("fsdd/0_george_1.wav", "name"), "0_george_1");
  assertEquals(labelledStem("polar bear_1.wav", "name"), "polar-bear_1");
  for (const name of ["george.wav", "_1.wav"]) {
    assertThrows(
      () => labelledStem(name, "name"),
      Error,
      'its name has no label: "LABEL_ID.wav" is required',
    );
  }
});

Deno.test("a name without label has no _ that could be taken for one's end", () => {
  assertEquals(labelledStem("a/my_file.v2.txt", "none"), "my-file.v2");
});

Deno.test("labels are folders when all inputs lie in some, unless another source is given", () => {
  const inside = { path: "a/b", inSubfolder: true };
  const outside = { path: "b", inSubfolder: false };
  assertEquals(labelSource([inside, inside], undefined), "folder");
  assertEquals(labelSource([inside, outside], undefined), "none");
  assertEquals(labelSource([], undefined), "none");
  assertEquals(labelSource([inside], "name"), "name");
});

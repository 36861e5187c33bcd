import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { gradientFiles } from "../../tasks/media/pictures.ts";
import { bgpt } from "../bgpt.ts";
import { inTempFolder, namesIn } from "../temp_folder.ts";

Deno.test("data images makes BMP of 3,126 bytes of any picture, names what it cannot read, and goes on", () =>
  inTempFolder(async (folder) => {
    const inputs = join(folder, "inputs");
    await Deno.mkdir(join(inputs, "good"), { recursive: true });
    await Deno.mkdir(join(inputs, "bad"));
    const files = {
      "good/a.png": gradientFiles.png,
      "good/b.JPG": gradientFiles.jpeg,
      "bad/c.jpeg": gradientFiles.cmykJpeg,
      "bad/d.png": new Uint8Array(),
      "bad/e.bmp": gradientFiles.png.subarray(0, 300),
    };
    for (const [path, bytes] of Object.entries(files)) await Deno.writeFile(join(inputs, path), bytes);
    const out = join(folder, "out");
    const { code, stdout } = await bgpt([
      "data",
      "images",
      inputs,
      "--out",
      out,
      "--eval-share",
      "0",
      "--json",
    ]);
    const { files: written, failures } = JSON.parse(stdout);
    assertEquals([code, written], [0, 2]);
    assertEquals(namesIn(out), [".failures.txt", "good_a.bmp", "good_b.bmp"]);
    assertEquals((await Deno.stat(join(out, "good_b.bmp"))).size, 3126);
    const expected = [["bad/c.jpeg", "CMYK"], ["bad/d.png", "it is empty"], [
      "bad/e.bmp",
      "Cannot read PNG",
    ]] as const;
    assertEquals(
      failures.map(({ name }: { name: string }) => name),
      expected.map(([name]) => join(inputs, name)),
    );
    for (const [index, [, reason]] of expected.entries()) {
      assertStringIncludes(failures[index].reason, reason);
    }
  }));

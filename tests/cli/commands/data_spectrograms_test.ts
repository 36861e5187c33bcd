import { spectrogramFile } from "@bgpt/tasks/media";
import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { toneFile } from "../../tasks/media/wav_files.ts";
import { bgpt } from "../bgpt.ts";
import { inTempFolder, namesIn } from "../temp_folder.ts";

Deno.test("data spectrograms shows each recording as one image", () =>
  inTempFolder(async (folder) => {
    const tone = toneFile(440, 44_100);
    await Deno.writeFile(join(folder, "a_1.wav"), tone);
    const out = join(folder, "out");
    const args = ["--out", out, "--eval-share", "0", "--label", "name"];
    const { code, stdout } = await bgpt(["data", "spectrograms", join(folder, "a_1.wav"), ...args]);
    assertEquals([code, stdout], [
      0,
      `Wrote 1 file of 3.05 KiB in all to ${out}\n  label  all\n  a        1\n  all      1\n`,
    ]);
    assertEquals(namesIn(out), ["a_1.bmp"]);
    assertEquals(Deno.readFileSync(join(out, "a_1.bmp")), spectrogramFile(tone));
  }));

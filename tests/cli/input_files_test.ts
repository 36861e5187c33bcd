import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { findInputFiles } from "../../cli/input_files.ts";
import { inTempFolder } from "./temp_folder.ts";

Deno.test("files with the extensions are found below folders, those named outright always", () =>
  inTempFolder(async (folder) => {
    await Deno.mkdir(join(folder, "b", ".hidden"), { recursive: true });
    for (const path of ["a.wav", "notes.txt", "b/c.WAV", ".d.wav", "b/.hidden/e.wav"]) {
      await Deno.writeTextFile(join(folder, path), "");
    }
    await Deno.symlink(join(folder, "gone"), join(folder, "link.wav"));
    const named = [folder, join(folder, "notes.txt"), join(folder, "missing.wav"), join(folder, "a.wav")];
    const { files, passedOver } = findInputFiles(named, [".wav"]);
    assertEquals(
      files.map(({ path, inSubfolder }) => [path.slice(folder.length + 1), inSubfolder]),
      [["a.wav", false], ["b/c.WAV", true], ["link.wav", false], ["missing.wav", false], [
        "notes.txt",
        false,
      ]],
    );
    assertEquals(passedOver, 1);
  }));

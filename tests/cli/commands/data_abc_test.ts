import { parseMidiNotes } from "@bgpt/tasks";
import { assertEquals, assertStringIncludes } from "@std/assert";
import { bgpt } from "../bgpt.ts";
import { assertRefused } from "../refused.ts";
import { inTempFolder, namesIn } from "../temp_folder.ts";
import { abcTest } from "../with_abc2midi.ts";

abcTest(
  "data abc writes a pair for each tune into one split, and lists the tunes that fail",
  () =>
    inTempFolder(async (folder) => {
      await Deno.mkdir(`${folder}/in`);
      const tunes = Array.from(
        { length: 12 },
        (_, i) => `X:${i + 1}\nT:Tune ${i}\nL:1/8\nK:C\n${"C".repeat(i + 1)}|\n`,
      );
      tunes[4] = "X:5\nT:Broken\nL:1/8\nK:C\nC ] D }|\n";
      tunes[5] = "X:6\nT:No key\nCDE|\n";
      await Deno.writeTextFile(`${folder}/in/tune_book.abc`, tunes.join("\n"));
      await Deno.writeTextFile(`${folder}/in/single_one.abc`, "L:1/8\nK:G\nGAB|\n");
      const args = ["data", "abc", `${folder}/in`, "--out", `${folder}/out`, "--eval-share", "0.4", "--json"];
      const { code, stdout, stderr } = await bgpt(args);
      assertEquals(code, 0, stderr);
      const { files, failures } = JSON.parse(stdout);
      assertEquals(files, 22);
      assertEquals(failures.map(({ name }: { name: string }) => name.slice(folder.length)), [
        "/in/tune_book.abc:X:5",
        "/in/tune_book.abc:X:6",
      ]);
      assertStringIncludes(failures[0].reason, "abc2midi says: Error in line");
      for (const split of ["train", "eval"]) {
        const names = namesIn(`${folder}/out/${split}`);
        const stems = names.filter((name) => name.endsWith(".abc")).map((name) => name.slice(0, -4));
        assertEquals(names, stems.flatMap((stem) => [`${stem}.abc`, `${stem}.mid`]));
        for (const stem of stems) {
          const abc = await Deno.readTextFile(`${folder}/out/${split}/${stem}.abc`);
          const expected = stem === "single-one"
            ? "L:1/8\r\nK:G\r\nGAB|"
            : `L:1/8\r\nK:C\r\n${abc.slice(12)}`;
          assertEquals(abc, expected);
          const { notes } = parseMidiNotes(await Deno.readFile(`${folder}/out/${split}/${stem}.mid`));
          assertEquals(notes.length, [...abc.slice(12)].filter((letter) => /[A-G]/.test(letter)).length);
        }
      }
    }),
);

abcTest(
  "data abc --bars cuts tunes into excerpts, keeps those of a tune in one split, and names the excerpt that fails",
  () =>
    inTempFolder(async (folder) => {
      const tune = (number: number, music: string) => `X:${number}\nT:Tune\nL:1/8\nK:C\n${music}\n`;
      const tunes = Array.from({ length: 12 }, (_, i) => tune(i + 1, "C2|DE|FG|:Ac|B4:|"));
      tunes.push(tune(13, "C2|D2|E2|] } F ]|G2|"), "X:14\nT:No key\nCDE|\n", tune(15, "||"));
      await Deno.writeTextFile(`${folder}/book.abc`, tunes.join("\n"));
      const args = ["data", "abc", `${folder}/book.abc`, "--out", `${folder}/out`, "--bars", "2"];
      const { code, stdout, stderr } = await bgpt([...args, "--eval-share", "0.4", "--json"]);
      assertEquals(code, 0, stderr);
      const { failures } = JSON.parse(stdout);
      assertEquals(failures.map(({ name }: { name: string }) => name.slice(folder.length)), [
        "/book.abc:X:13, excerpt 2",
        "/book.abc:X:14",
        "/book.abc:X:15",
      ]);
      const whole = new Map<string, string>();
      for (const split of ["train", "eval"]) {
        for (const name of namesIn(`${folder}/out/${split}`).filter((name) => name.endsWith(".abc"))) {
          const [, tune, excerpt] = name.match(/^book-(\d{4})-(\d{3})\.abc$/)!;
          assertEquals(whole.get(tune!) ?? split, split, `${name} is apart from the rest of its tune`);
          whole.set(tune!, split);
          const expected = ["C2|DE|", "FG|Ac|", "B4|"][Number(excerpt) - 1]!;
          const abc = await Deno.readTextFile(`${folder}/out/${split}/${name}`);
          if (tune !== "0013") assertEquals(abc, `L:1/8\r\nK:C\r\n${expected}`);
          const midi = await Deno.readFile(`${folder}/out/${split}/${name.replace(".abc", ".mid")}`);
          assertEquals(
            parseMidiNotes(midi).notes.length,
            [...abc.slice(12)].filter((c) => /[A-Gc]/.test(c)).length,
          );
        }
      }
      assertEquals(whole.size, 13);
      assertEquals(new Set(whole.values()), new Set(["train", "eval"]));
    }),
);

Deno.test("data abc says which package is missing", () =>
  inTempFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/a.abc`, "K:C\nC");
    await assertRefused({
      args: ["data", "abc", `${folder}/a.abc`, "--out", `${folder}/out`],
      code: 1,
      message: "the program abc2midi is missing. Install the package abcmidi",
      env: { PATH: folder },
    });
  }));

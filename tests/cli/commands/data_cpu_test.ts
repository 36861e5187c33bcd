import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { bgpt, messagesIn } from "../bgpt.ts";
import { inTempFolder, namesIn } from "../temp_folder.ts";

const corpus = [
  "--instances",
  "3",
  "--min-program",
  "2",
  "--max-program",
  "4",
  "--memory",
  "16",
  "--seed",
  "7",
];

Deno.test("data cpu writes numbered files, nothing else, and one line of JSON", () =>
  inTempFolder(async (folder) => {
    const out = join(folder, "new", "corpus");
    const { code, stdout } = await bgpt(["data", "cpu", "--out", out, ...corpus, "--json"]);
    assertEquals(code, 0);
    assertEquals(namesIn(out), ["0000000.bin", "0000001.bin", "0000002.bin"]);
    const bytes = namesIn(out).reduce((sum, name) => sum + Deno.statSync(join(out, name)).size, 0);
    assertEquals(stdout, `${JSON.stringify(JSON.parse(stdout))}\n`);
    const { files, bytes: reported, seed } = JSON.parse(stdout);
    assertEquals({ files, reported, seed }, { files: 3, reported: bytes, seed: 7 });
  }));

Deno.test("data cpu writes the same bytes for the same seed and others for another", () =>
  inTempFolder(async (folder) => {
    const contents = async (name: string, seed: string) => {
      const out = join(folder, name);
      const { code, stdout } = await bgpt(["data", "cpu", "--out", out, ...corpus, "--seed", seed]);
      assertEquals(code, 0);
      assertStringIncludes(stdout, "Wrote 3 files of ");
      return namesIn(out).map((file) => Deno.readFileSync(join(out, file)).join());
    };
    const first = await contents("a", "7");
    assertEquals(await contents("b", "7"), first);
    assert((await contents("c", "8")).join() !== first.join());
  }));

Deno.test("data cpu keeps to the instructions and registers it is given", () =>
  inTempFolder(async (folder) => {
    const narrow = ["--instructions", "ADD", "--registers", "2", "--unused-registers-zero"];
    const { code } = await bgpt(["data", "cpu", "--out", join(folder, "c"), ...corpus, ...narrow]);
    assertEquals(code, 0);
    for (const name of namesIn(join(folder, "c"))) {
      const states = Deno.readFileSync(join(folder, "c", name)).subarray(16); // [states, 16], behind the memory
      for (let start = 0; start < states.length; start += 16) {
        // Registers C to J, behind program counter, accumulator, instruction, A and B.
        assertEquals([...states.subarray(start + 8, start + 16)], Array(8).fill(0));
      }
    }
  }));

Deno.test("data cpu leaves a folder that holds something as it is", () =>
  inTempFolder(async (folder) => {
    await Deno.writeTextFile(join(folder, "notes.txt"), "mine");
    const { code, stdout, stderr } = await bgpt(["data", "cpu", "--out", folder, ...corpus]);
    const message =
      `error: Cannot write a corpus to "${folder}": it holds "notes.txt". Name a new or an empty folder\n`;
    assertEquals({ code, stdout, messages: messagesIn(stderr) }, { code: 1, stdout: "", messages: message });
    assertEquals(namesIn(folder), ["notes.txt"]);
  }));

Deno.test("data cpu refuses options that cannot be before it writes, by the flag's name", () =>
  inTempFolder(async (folder) => {
    const out = join(folder, "corpus");
    const refusals: readonly [readonly string[], string][] = [
      [["--memory", "20"], "--memory is 20, a multiple of 16"],
      [["--max-program", "5"], "at least 20 (4 for each of 5 instructions) is required"],
      [["--min-program", "5"], "--min-program is 5, an integer from 1 to 4 is required"],
      [["--instructions", "ADD,HALT"], '--instructions has "HALT", known are '],
    ];
    for (const [args, message] of refusals) {
      const { code, stdout, stderr } = await bgpt(["data", "cpu", "--out", out, ...corpus, ...args]);
      assertEquals([code, stdout, stderr.split("\n").length], [2, "", 2]);
      assertStringIncludes(stderr, message);
      assertEquals(namesIn(folder), []);
    }
  }));

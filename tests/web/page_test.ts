import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { bitsPerRealByte, RandomStream } from "@bgpt/core";
import { saveRunCheckpoint } from "@bgpt/core/files";
import {
  assembleProgram,
  cpuFile,
  encodeProgram,
  firstDeparture,
  inspectFiles,
  parseStateFile,
  predictFreeRunning,
  startState,
} from "@bgpt/tasks";
import { encodeBmp, encodeWav8 } from "@bgpt/tasks/media";
import { join } from "@std/path";
import { inTempFolder } from "../cli/temp_folder.ts";
import { smallCheckpoint } from "../core/small_checkpoint.ts";
import { sharedPath } from "../shared.ts";
import { browserTest } from "./browser.ts";
import { fileOf, onCpu, openFolder, panelOf, saved, send, withCheckpoint, withPage } from "./page.ts";

browserTest(
  "generation stops when its button is pressed, and what was made can be saved",
  () =>
    withCheckpoint(async (page) => {
      const generate = await panelOf(page, "Generate");
      await generate.getByLabel("Most new bytes").fill("1000000000");
      await generate.getByText("How bytes are drawn").click();
      await generate.getByLabel("Go on past the end of the file").check();
      await generate.getByLabel("Go on beyond the patch length").check();
      await generate.getByRole("button", { name: "Generate" }).click();
      await generate.getByText(/ KiB in .*…$/).waitFor();
      assert(await page.getByLabel("WebAssembly").isDisabled(), "nothing else can be begun meanwhile");
      await generate.getByRole("button", { name: "Stop" }).click();
      await generate.getByText(/, stopped\.$/).waitFor();
      const bytes = await saved(page, generate.locator("button[name=save]:enabled"));
      assert(bytes.length >= 1024, `${bytes.length}`);
    }),
);

browserTest(
  "pictures, sounds, hex and text are shown as their extension suggests, or as the user chooses",
  () =>
    withCheckpoint(async (page) => {
      const generate = await panelOf(page, "Generate");
      const preview = generate.locator(".preview");
      const goOn = async (name: string, start: Uint8Array) => {
        await generate.getByLabel("Begin with a file").setInputFiles(fileOf(name, start));
        await send(generate);
      };
      await generate.getByLabel("Most new bytes").fill("3");

      await goOn("a.bmp", encodeBmp({ width: 5, height: 4, pixels: new Uint8Array(60).fill(200) }));
      await preview.getByRole("img", { name: "The file as a picture" }).waitFor();
      await generate.getByText("Hex", { exact: true }).click();
      await preview.getByText("00000000  42 4d 76 00").waitFor();
      await generate.getByText("Sound", { exact: true }).click();
      await preview.getByText("This browser can make no sound of these bytes.").waitFor();

      await goOn("a.wav", encodeWav8(new Uint8Array(64), 8000));
      await preview.locator("audio").waitFor({ state: "attached" });
      await generate.getByText("Picture", { exact: true }).click();
      await preview.getByText("This browser can make no picture of these bytes.").waitFor();

      await goOn("a.txt", new TextEncoder().encode("Grüße"));
      const given = preview.locator(".given", { hasText: "Gr" });
      await given.waitFor();
      assertEquals(await given.textContent(), "Grüße");
    }),
);

browserTest(
  "inspection shows the bits that Deno computes, of several files those that surprise most first",
  () =>
    withCheckpoint(async (page, checkpoint) => {
      const contents = {
        "long.txt": "the model knows nothing of this ".repeat(12),
        "empty.txt": "",
        "b.txt": "b",
      };
      const encoded = Object.entries(contents).map(([path, text]) => ({
        path,
        bytes: new TextEncoder().encode(text),
      }));
      const source = {
        files: encoded.map(({ path, bytes }) => ({ path, byteLength: bytes.length })),
        read: (index: number) => Promise.resolve(encoded[index]!.bytes),
      };
      const expected = await onCpu((engine) =>
        Array.fromAsync(
          inspectFiles(engine, checkpoint, source, { batch: 4 }),
          ({ path, totals }) => [path, totals.bytes === 0 ? "–" : bitsPerRealByte(totals).toFixed(4)],
        )
      );
      const inspect = await panelOf(page, "Inspect");
      await inspect.getByLabel("Files").setInputFiles(encoded.map(({ path, bytes }) => fileOf(path, bytes)));
      await send(inspect);
      const rows = await inspect.locator("table").first().locator("tbody tr").all();
      const shown = await Promise.all(rows.map(async (row) => {
        const cells = await row.locator("td").allInnerTexts();
        return [cells[0], cells[2]];
      }));
      assertEquals(
        shown,
        expected.toSorted(([, a], [, b]) => parseFloat(b!) - parseFloat(a!) || (a === "–" ? 1 : -1)),
      );
      assertEquals(await inspect.locator(".rows > div").count(), 24 + 1, "rows of 16 bytes");
      assertStringIncludes(await inspect.innerText(), "16 patches", "the long file was seen by windows");
      const report = await saved(page, inspect.getByRole("button", { name: "Download the report" }));
      assertStringIncludes(new TextDecoder().decode(report), "3 files under a model");
    }),
);

browserTest(
  "a program runs in the true machine without a checkpoint, and beside it in the model with one",
  () =>
    withCheckpoint(async (page, checkpoint) => {
      const text = "LOADI 200\nADD A ; A is 0 to 255\nHLT";
      const random = new RandomStream(7);
      const start = startState(random.below(256), Array.from({ length: 10 }, () => random.below(256)));
      const program = parseStateFile(cpuFile(encodeProgram(assembleProgram(text), 64), start));
      const [predicted] = await onCpu((engine) => predictFreeRunning(engine, checkpoint, [program], 1));
      const departure = firstDeparture(program, predicted!);
      assertEquals(departure, 1, "the model is not trained");

      const simulate = await panelOf(page, "Simulate");
      await simulate.getByLabel("Program").fill(text);
      await simulate.getByLabel("Seed").fill("7");
      await simulate.getByLabel("Memory").fill("64");
      await send(simulate);
      await simulate.getByText("The model departs from the machine in state 1 of 3").waitFor();
      const cellOf = (state: number, column: number) =>
        simulate.locator("tr", { has: page.locator(`th:text-is("${state}")`) }).locator("td").nth(column)
          .innerText();
      assertEquals(await cellOf(1, 0), "LOADI 200");
      assertEquals(await cellOf(1, 2), `${program.states[17]}→${predicted![1]}`);

      await page.reload();
      await panelOf(page, "Simulate");
      await simulate.getByLabel("Program").fill(text);
      await simulate.getByLabel("Seed").fill("7");
      await send(simulate);
      assertEquals(await simulate.locator(".status").innerText(), "The machine stops after 3 instructions.");
      assertEquals(await cellOf(3, 2), `${Math.min(255, 200 + program.states[6]!)}`);

      await simulate.getByLabel("Program").fill("LOADI 200\nADD K\nHLT");
      await send(simulate);
      assertMatch(
        await simulate.getByRole("alert").innerText(),
        /^Cannot assemble line 2 "ADD K": .* A to J/,
      );
    }),
);

browserTest(
  "a run's folder gives its newest checkpoint, and how far it was trained",
  () =>
    inTempFolder(async (folder) => {
      for (const step of [7, 12]) await saveRunCheckpoint(folder, smallCheckpoint(step, step), step === 7);
      await withPage(async (page) => {
        await openFolder(page, folder);
        const facts = await page.locator("#checkpoint-facts").innerText();
        assertMatch(facts, /checkpoints\/step-00000012[^]*\bStep\n12\n[^]*Best loss\n1.5000 nats at step 4/);
      });
    }),
);

browserTest(
  "what is no good checkpoint is refused in a sentence, and the page goes on",
  () =>
    withCheckpoint(async (page, checkpoint, path) => {
      const refusal = async (...files: ReturnType<typeof fileOf>[]) => {
        await page.locator("#files").setInputFiles(files);
        await page.getByText("Reading…").waitFor({ state: "detached" });
        assert(
          await page.locator("#generate button[type=submit]").isDisabled(),
          "the old checkpoint is gone",
        );
        return await page.locator("#checkpoint").getByRole("alert").innerText();
      };
      const config = fileOf("config.json", JSON.stringify({ format: 1, model: checkpoint.model }));
      const weights = (bytes: Uint8Array) => fileOf("model.safetensors", bytes);
      assertMatch(
        await refusal(fileOf("notes.txt", "x")),
        /^Cannot open "notes.txt": a checkpoint is a folder/,
      );
      assertMatch(
        await refusal(config, weights(new Uint8Array(3))),
        /^Cannot read checkpoint .* has 3 bytes/,
      );
      assertMatch(
        await refusal(weights(new Uint8Array(3))),
        /^Cannot read checkpoint .*config.json is missing/,
      );
      assertMatch(await refusal(fileOf("weights.pth", "no zip")), /^Cannot read PyTorch checkpoint: /);
      const dropped = await page.evaluateHandle(
        'const transfer = new DataTransfer(); transfer.items.add(new File(["x"], "dropped.txt")); transfer',
      );
      await page.dispatchEvent("h1", "drop", { dataTransfer: dropped });
      await page.getByText('Cannot open "dropped.txt"').waitFor();

      const names = ["config.json", "model.safetensors"];
      await page.locator("#files").setInputFiles(names.map((name) => join(path, name)));
      await page.locator("#generate button[type=submit]:enabled").waitFor();
    }),
);

const fixtures = sharedPath("fixtures", "checkpoints");
browserTest(
  `a published checkpoint is opened; a classifier is told from what can generate${
    fixtures ? "" : " (needs ../shared/fixtures)"
  }`,
  () =>
    withPage(async (page) => {
      await page.locator("#files").setInputFiles(`${fixtures}/weights-gen.pth`);
      await page.getByText("249,984").waitFor();
      const generate = await panelOf(page, "Generate");
      await generate.getByLabel("Most new bytes").fill("8");
      await send(generate);
      await generate.getByText(/B\/s\.$/).waitFor();
      await page.locator("#files").setInputFiles(`${fixtures}/weights-cls.pth`);
      await page.getByText("Sun.wav, Dog.txt, Cat.txt, Cat.bin").waitFor();
      assertStringIncludes(
        await generate.innerText(),
        "tells files of 4 classes apart and predicts no bytes",
      );
    }),
  fixtures === undefined,
);

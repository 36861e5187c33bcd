import { assert, assertMatch, assertStringIncludes } from "@std/assert";
import { browserTest } from "./browser.ts";
import { assertGeneratesAsDeno, withCheckpoint, withPage } from "./page.ts";

browserTest(
  "without a GPU the page computes by WebAssembly, and generates the bytes that Deno generates",
  () =>
    withCheckpoint(async (page, checkpoint) => {
      assert(await page.getByLabel("WebAssembly").isChecked());
      assert(await page.getByLabel("WebGPU").isDisabled());
      assertMatch(await page.locator("#engine-note").innerText(), /^WebAssembly on \d+ threads .* no GPU/);
      await assertGeneratesAsDeno(page, checkpoint);
    }),
);

browserTest(
  "by WebGPU the page generates the same bytes, but does not choose a software adapter itself",
  () =>
    withCheckpoint(async (page, checkpoint) => {
      assert(await page.getByLabel("WebAssembly").isChecked());
      await page.getByLabel("WebGPU").check();
      assertStringIncludes(await page.locator("#engine-note").innerText(), "no GPU but a program");
      await assertGeneratesAsDeno(page, checkpoint);
    }, { args: ["--enable-unsafe-webgpu"] }),
);

browserTest(
  "a server that sends no headers is enough: a service worker lets the page share memory",
  () =>
    withPage(async (page) => {
      await page.locator("input[name=engine][value=cpu]:checked").waitFor();
      assertMatch(await page.locator("#engine-note").innerText(), /^WebAssembly on \d+ threads/);
    }, { headers: {} }),
);

browserTest(
  "where neither engine can compute, the page says which headers are missing",
  () =>
    withPage(async (page) => {
      await page.getByText("Cross-Origin-Embedder-Policy: require-corp").waitFor();
      assert(await page.getByLabel("WebAssembly").isDisabled());
    }, { headers: {}, serviceWorkers: "block" }),
);

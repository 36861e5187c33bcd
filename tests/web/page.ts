/** The page of `web/` in headless Chromium, as a user has it. */
import { assertEquals } from "@std/assert";
import { type Checkpoint, defaultSampling, extensionPatch, generateBytes } from "@bgpt/core";
import { CpuEngine, type Engine } from "@bgpt/kernels";
import { join } from "@std/path";
import { Buffer } from "node:buffer";
import type { Locator, Page } from "playwright-core";
import { isolationHeaders, pageFiles, servePage } from "../../tools/build_web.ts";
import { testSizes, writeCheckpoint } from "../cli/checkpoints.ts";
import { inTempFolder } from "../cli/temp_folder.ts";
import { launchBrowser } from "./browser.ts";

/** How the page is reached. */
export interface PageOptions {
  /** What the server sends; by default what lets the page share memory. */
  readonly headers?: Readonly<Record<string, string>>;
  /** More arguments of Chromium. */
  readonly args?: readonly string[];
  /** Whether the page may have a service worker. */
  readonly serviceWorkers?: "allow" | "block";
}

/** A file as a field of the page takes it. */
export interface UploadedFile {
  readonly name: string;
  readonly mimeType: string;
  readonly buffer: Buffer;
}

let files: ReturnType<typeof pageFiles> | undefined;

/** Opens the page for a test, which fails if anything goes to the browser's console as an error. */
export async function withPage(run: (page: Page) => Promise<void>, options: PageOptions = {}): Promise<void> {
  const { headers = isolationHeaders, args = [], serviceWorkers = "allow" } = options;
  await using server = servePage(await (files ??= pageFiles()), headers);
  const browser = await launchBrowser(args);
  try {
    const page = await browser.newPage({ serviceWorkers });
    // Software Vulkan compiles shaders for long.
    page.setDefaultTimeout(120_000);
    const errors: string[] = [];
    page.on("console", (message) => {
      if (message.type() === "error") errors.push(message.text());
    });
    page.on("pageerror", (error) => errors.push(error.message));
    await page.goto(`http://127.0.0.1:${server.addr.port}/`);
    await run(page);
    assertEquals(errors, []);
  } finally {
    await browser.close();
  }
}

/** The page with a small checkpoint open, and its folder. */
export function withCheckpoint(
  run: (page: Page, checkpoint: Checkpoint, path: string) => Promise<void>,
  options: PageOptions = {},
): Promise<void> {
  return inTempFolder(async (folder) => {
    const path = join(folder, "model");
    const checkpoint = await writeCheckpoint(path, { ...testSizes, patchLength: 16 });
    await withPage(async (page) => {
      await openFolder(page, path);
      await run(page, checkpoint, path);
    }, options);
  });
}

/** Opens a checkpoint folder, and waits until it is shown. */
export async function openFolder(page: Page, path: string): Promise<void> {
  await page.locator("#folder").setInputFiles(path);
  await page.locator("#checkpoint dt", { hasText: "Parameters" }).waitFor();
}

/** The panel of a function, which is shown. */
export async function panelOf(page: Page, title: "Generate" | "Inspect" | "Simulate"): Promise<Locator> {
  await page.getByRole("radio", { name: title, exact: true }).check();
  return page.locator(`#${title.toLowerCase()}`);
}

/** Sends a panel's form, and waits for what comes of it. */
export async function send(panel: Locator): Promise<void> {
  await panel.locator("button[type=submit]").click();
  await panel.locator(".status:not(:empty), .result:not([hidden]), .error:not([hidden])").first().waitFor();
  await panel.locator("button[type=submit]:enabled").waitFor();
}

/** The bytes that a button saves. */
export async function saved(page: Page, button: Locator): Promise<Uint8Array> {
  const [download] = await Promise.all([page.waitForEvent("download"), button.click()]);
  return await Deno.readFile(await download.path());
}

/** A file to choose in the page. */
export function fileOf(name: string, content: string | Uint8Array): UploadedFile {
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  return { name, mimeType: "application/octet-stream", buffer: Buffer.from(bytes) };
}

/** What Deno's cpu engine gives. */
export async function onCpu<T>(compute: (engine: Engine) => Promise<T>): Promise<T> {
  const engine = await CpuEngine.create();
  try {
    return await compute(engine);
  } finally {
    engine.destroy();
  }
}

/** Continues a text greedily in the page, and asserts that Deno makes the same file. */
export async function assertGeneratesAsDeno(page: Page, { model, parameters }: Checkpoint): Promise<void> {
  const generate = await panelOf(page, "Generate");
  await generate.getByLabel("Begin with a file").setInputFiles(fileOf("start.txt", "ends inside a patch"));
  await generate.getByLabel("Most new bytes").fill("60");
  await generate.getByText("How bytes are drawn").click();
  await generate.getByLabel("Always the most probable byte").check();
  await generate.getByLabel("Go on past the end of the file").check();
  await send(generate);
  assertEquals(await generate.locator(".error").textContent(), "");
  const bytes = await saved(page, generate.getByRole("button", { name: "Download" }));
  const given = new TextEncoder().encode("ends inside a patch");
  const [expected] = await onCpu((engine) =>
    generateBytes(engine, model, parameters, {
      prefixes: [Uint16Array.from([...extensionPatch("txt", model.patchSize), ...given])],
      byteLimit: 60,
      sampling: { ...defaultSampling, greedy: true },
      ignoreEnd: true,
    })
  );
  assertEquals([...bytes], [...given, ...expected!]);
}

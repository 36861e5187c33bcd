/** A page in headless Chromium, for tests; those that need it are ignored, never passed, where Chromium is missing. */
import { chromium } from "playwright-core";
import { findChromium } from "../../tools/chromium.ts";

const chromiumPath = findChromium();

/** What lets a page share memory between threads. */
export const isolationHeaders = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
};

/** One JavaScript file with everything that a module imports, as a page needs it. */
async function bundle(path: string): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["bundle", "--quiet", "--platform", "browser", path],
    cwd: `${import.meta.dirname}/../..`,
  }).output();
  if (!success) throw new Error(`Cannot bundle ${path}: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}

/**
 * What an expression gives in a page that a local server sends with these headers.
 *
 * @param path a TypeScript module, from the root
 * @param expression JavaScript in which `module` is that module; a promise is awaited
 */
export async function evaluateInPage(
  path: string,
  expression: string,
  headers: Record<string, string>,
): Promise<unknown> {
  const script = await bundle(path);
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, ({ url }) => {
    const [body, type] = url.endsWith("/script.js")
      ? [script, "text/javascript"]
      : ["<!doctype html><title>bgpt</title>", "text/html"];
    return new Response(body, { headers: { ...headers, "content-type": type } });
  });
  // Chromium refuses its sandbox to root, which is who runs tests in containers; the page is our own.
  const browser = await chromium.launch({ executablePath: chromiumPath!, args: ["--no-sandbox"] });
  try {
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${server.addr.port}/`);
    return await page.evaluate(`import("/script.js").then((module) => ${expression})`);
  } finally {
    await browser.close();
  }
}

/** Registers a test that needs a browser. */
export function browserTest(name: string, run: () => Promise<void>): void {
  Deno.test({
    name: chromiumPath === undefined ? `${name} (needs Chromium)` : name,
    ignore: chromiumPath === undefined,
    // Chromium's pipes end a little after it.
    sanitizeResources: false,
    sanitizeOps: false,
    fn: run,
  });
}

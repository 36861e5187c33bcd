/** A page in headless Chromium, for tests; those that need it are ignored, never passed, where Chromium is missing. */
import { type Browser, chromium } from "playwright-core";
import { bundle } from "../../tools/build_web.ts";
import { findChromium } from "../../tools/chromium.ts";

const chromiumPath = findChromium();

/** Starts Chromium, where it is. */
export async function launchBrowser(args: readonly string[] = []): Promise<Browser> {
  // Chromium refuses its sandbox to root, which is who runs tests in containers; the page is our own.
  return await chromium.launch({ executablePath: chromiumPath!, args: ["--no-sandbox", ...args] });
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
  headers: Readonly<Record<string, string>>,
): Promise<unknown> {
  const script = await bundle(path);
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, ({ url }) => {
    const [body, type] = url.endsWith("/script.js")
      ? [script, "text/javascript"]
      : ["<!doctype html><title>bgpt</title>", "text/html"];
    return new Response(body, { headers: { ...headers, "content-type": type } });
  });
  const browser = await launchBrowser();
  try {
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${server.addr.port}/`);
    return await page.evaluate(`import("/script.js").then((module) => ${expression})`);
  } finally {
    await browser.close();
  }
}

/**
 * Registers a test that needs a browser.
 * @param ignore also for another reason
 */
export function browserTest(name: string, run: () => Promise<void>, ignore = false): void {
  Deno.test({
    name: chromiumPath === undefined ? `${name} (needs Chromium)` : name,
    ignore: ignore || chromiumPath === undefined,
    // Chromium's pipes end a little after it.
    sanitizeResources: false,
    sanitizeOps: false,
    fn: run,
  });
}

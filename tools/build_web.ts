/**
 * Makes the page of `web/` a folder that any static server can serve, `deno task web`, or serves it, `--serve`.
 * @module
 */
import { join, resolve } from "@std/path";
import { type CommandEntry, defineCommand } from "../cli/command.ts";
import { reportError } from "../cli/errors.ts";
import { commandHelp } from "../cli/help.ts";
import { heatStyle } from "../cli/report/hex_heat_style.ts";
import { reportStyle } from "../cli/report/report_style.ts";
import { note, print } from "../cli/terminal.ts";

const root = join(import.meta.dirname!, "..");

/** What lets a page share memory between threads, which WebAssembly on threads needs. */
export const isolationHeaders: Readonly<Record<string, string>> = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
};

const types: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
};

/** The page's files by name. */
export async function pageFiles(): Promise<ReadonlyMap<string, string>> {
  const read = (name: string) => Deno.readTextFile(join(root, "web", name));
  return new Map([
    ["index.html", await read("index.html")],
    ["style.css", `${reportStyle.source}${heatStyle.source}${await read("style.css")}`],
    ["bgpt.js", await bundle("web/main.ts")],
    ["isolation_worker.js", await read("isolation_worker.js")],
  ]);
}

/** Serves the page on this machine alone, with these headers beside its own. */
export function servePage(
  files: ReadonlyMap<string, string>,
  headers: Readonly<Record<string, string>>,
  port = 0,
): Deno.HttpServer<Deno.NetAddr> {
  return Deno.serve({ hostname: "127.0.0.1", port, onListen() {} }, ({ url }) => {
    const name = new URL(url).pathname.slice(1) || "index.html";
    const content = files.get(name);
    if (content === undefined) return new Response(`There is no ${name}\n`, { status: 404 });
    const type = types[name.slice(name.lastIndexOf(".") + 1)]!;
    return new Response(content, { headers: { ...headers, "content-type": type } });
  });
}

/**
 * One JavaScript file with everything that a module imports, as a page needs it.
 * @param path from the root
 */
export async function bundle(path: string): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["bundle", "--quiet", "--minify", "--platform", "browser", path],
    cwd: root,
    stdin: "null",
  }).output();
  if (!success) throw new Error(`Cannot bundle ${path}: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}

const command = defineCommand({
  description:
    "Makes the page that runs models in a browser: a folder for any static server. The server should send the headers " +
    "Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp; where it cannot, a " +
    "service worker of the page adds them, for which it must be reached by https or as localhost.",
  options: {
    out: { kind: "path", placeholder: "DIR", default: "dist/web", help: "the folder to write" },
    serve: { kind: "flag", help: "serve the page here instead of writing it" },
    port: { kind: "integer", minimum: 1, default: 8000, help: "port of --serve" },
  },
  examples: [
    { what: "the page as a folder", line: "web --out dist/web" },
    { what: "have a look at it", line: "web --serve" },
  ],
  run: async ({ out, serve, port }) => {
    const files = await pageFiles();
    if (serve) {
      const server = servePage(files, isolationHeaders, port);
      note(`Serving http://127.0.0.1:${server.addr.port}/ until you press Ctrl-C`);
      return await server.finished;
    }
    await Deno.mkdir(out, { recursive: true });
    for (const [name, content] of files) await Deno.writeTextFile(join(out, name), content);
    print(resolve(out));
  },
});

if (import.meta.main) {
  const entry: CommandEntry = { name: "web", summary: "", load: () => Promise.resolve({ default: command }) };
  try {
    if (Deno.args.includes("--help")) {
      print(commandHelp(entry, command).replaceAll("bgpt web", "deno task web"));
    } else await command.execute(Deno.args);
  } catch (error) {
    Deno.exit(reportError(error));
  }
}

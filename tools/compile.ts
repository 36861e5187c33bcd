/**
 * Makes the program `bgpt` executables that need nothing else, `deno task compile`: one for each target, all commands in
 * it, and with `--checkpoint` the weights. Needs Deno 2.8.2: in executables of earlier ones no thread starts from a blob.
 * @module
 */
import { encodeCheckpoint } from "@bgpt/core";
import { loadCheckpoint, writeFolderAtomically } from "@bgpt/core/files";
import { join, resolve } from "@std/path";
import { type CommandEntry, defineCommand } from "../cli/command.ts";
import { embeddedFolder } from "../cli/embedded_checkpoint.ts";
import { reportError, UsageError } from "../cli/errors.ts";
import { commandHelp } from "../cli/help.ts";
import { note, print } from "../cli/terminal.ts";
import { formatBytes } from "../cli/units.ts";

const root = join(import.meta.dirname!, "..");

/** Deno's names of the targets. */
const triples: Readonly<Record<string, string>> = {
  "linux-x64": "x86_64-unknown-linux-gnu",
  "linux-arm64": "aarch64-unknown-linux-gnu",
  "macos-x64": "x86_64-apple-darwin",
  "macos-arm64": "aarch64-apple-darwin",
  "windows-x64": "x86_64-pc-windows-msvc",
};
const allTargets = Object.keys(triples).join(",");

const command = defineCommand({
  description:
    "Makes executables of bgpt. Deno fetches a runtime part for each target from its own site; DENORT_BIN names one that " +
    "is there already.",
  options: {
    target: { kind: "list", help: `what to make executables for (default ${allTargets})` },
    checkpoint: {
      kind: "path",
      placeholder: "DIR",
      help: "a checkpoint, or a run's folder, to put into them",
    },
    out: { kind: "path", placeholder: "DIR", default: "dist", help: "the folder to write" },
  },
  examples: [
    { what: "for this project's machines", line: "compile --target linux-x64,macos-arm64" },
    { what: "a model to give away", line: "compile --checkpoint runs/songs/checkpoints/best --out songs" },
  ],
  run: async ({ target, checkpoint, out }) => {
    const targets = target.length === 0 ? Object.keys(triples) : target;
    for (const name of targets) {
      if (!(name in triples)) {
        throw new UsageError(`Cannot use --target "${name}": one of ${allTargets} is required`);
      }
    }
    if (Deno.env.get("DENORT_BIN") !== undefined && targets.length > 1) {
      throw new UsageError(
        "Cannot compile for several targets with DENORT_BIN, which is of one: name it by --target",
      );
    }
    await Deno.mkdir(out, { recursive: true });
    const embedded = join(root, "cli", embeddedFolder);
    try {
      if (checkpoint !== undefined) await stage(checkpoint, embedded);
      for (const name of targets) {
        await compile(name, resolve(out), checkpoint === undefined ? [] : [embedded]);
      }
    } finally {
      if (checkpoint !== undefined) await Deno.remove(embedded, { recursive: true }).catch(() => {});
    }
  },
});

/** Writes the weights where the program will look for them. */
async function stage(checkpoint: string, embedded: string): Promise<void> {
  const { checkpoint: { optimizer: _, run: __, ...weights }, path } = await loadCheckpoint(checkpoint);
  note(`Embedding ${path}`);
  await writeFolderAtomically(embedded, encodeCheckpoint(weights));
}

async function compile(name: string, out: string, included: readonly string[]): Promise<void> {
  const path = join(out, `bgpt-${name}${name.startsWith("windows") ? ".exe" : ""}`);
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "compile",
      "--allow-all",
      // `deno task check` has checked the types.
      "--no-check",
      // Else Dawn, which is loaded when asked for, and a browser's driver and a compiler, which only tests and tools
      // need, make it 260 MB larger.
      "--exclude-unused-npm",
      "--target",
      triples[name]!,
      "--output",
      path,
      ...included.flatMap((folder) => ["--include", folder]),
      "cli/main.ts",
    ],
    cwd: root,
    stdin: "null",
    stdout: "null",
  }).output();
  if (!success) throw new Error(`Cannot compile for ${name}: ${reasonOf(new TextDecoder().decode(stderr))}`);
  print(
    `${path}: ${formatBytes((await Deno.stat(path)).size)}${
      isOwn(name) ? await started(path) : ", not started here"
    }`,
  );
}

function reasonOf(stderr: string): string {
  if (Deno.env.get("DENORT_BIN") !== undefined || !stderr.includes("denort")) {
    return stderr.split("\nStack")[0]!;
  }
  return `Deno's runtime part (denort) for it is not to be had from Deno's site. Fetch denort of Deno ` +
    `${Deno.version.deno} for that target elsewhere, unpack it, and name it by the variable DENORT_BIN`;
}

function isOwn(name: string): boolean {
  return triples[name] === Deno.build.target;
}

/** Starts the executable, and says how long its help takes. */
async function started(path: string): Promise<string> {
  const start = performance.now();
  const { stdout } = await new Deno.Command(path, { args: ["--help"], stdin: "null" }).output();
  const help = new TextDecoder().decode(stdout);
  if (!help.startsWith("bgpt ")) {
    throw new Error(
      `Compiled ${path}, but it does not start as bgpt. Make sure that DENORT_BIN is a denort of this Deno`,
    );
  }
  return `, --help in ${Math.round(performance.now() - start)} ms`;
}

const entry: CommandEntry = {
  name: "compile",
  summary: "",
  load: () => Promise.resolve({ default: command }),
};

try {
  if (Deno.args.includes("--help")) {
    print(commandHelp(entry, command).replaceAll("bgpt compile", "deno task compile"));
  } else await command.execute(Deno.args);
} catch (error) {
  Deno.exit(reportError(error));
}

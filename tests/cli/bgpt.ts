import { fromFileUrl } from "@std/path";

/** What a run of the program left. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const entry = fromFileUrl(new URL("../../cli/main.ts", import.meta.url));

/** A running program. */
export interface RunningBgpt {
  readonly pid: number;
  /** Sends a signal; nothing when the program has ended. */
  kill(signal: Deno.Signal): void;
  /** Waits for its end. */
  outcome(): Promise<Outcome>;
}

/** Starts the real program `bgpt` in a process of its own, its outputs piped. */
export function spawnBgpt(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): RunningBgpt {
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-prompt", entry, ...args],
    env: { ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let ended = false;
  const output = process.output();
  process.status.then(() => ended = true);
  return {
    pid: process.pid,
    kill: (signal) => {
      if (!ended) process.kill(signal);
    },
    async outcome() {
      const { code, stdout, stderr } = await output;
      const decoder = new TextDecoder();
      return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
    },
  };
}

/** Runs the real program `bgpt` to its end. */
export async function bgpt(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Outcome> {
  return await spawnBgpt(args, env).outcome();
}

/** `Reading  40 %: 2 of 5 files, 3 s left`, or where the end is not known `Reading: 2 files`. */
const progressLine = /^[A-Z]\w+ing( [^:]*\d+ %)?: [\d,]+ .*\n/gm;

/** What stands in stderr beside lines of progress, which come where a machine needs seconds. */
export function messagesIn(stderr: string): string {
  return stderr.replace(progressLine, "");
}

import { fromFileUrl } from "@std/path";

/** What a run of the program left. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const entry = fromFileUrl(new URL("../../cli/main.ts", import.meta.url));

/** Runs the real program `bgpt` in a process of its own, its outputs piped. */
export async function bgpt(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Outcome> {
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-prompt", entry, ...args],
    env: { ...env },
    stdin: "null",
  });
  const { code, stdout, stderr } = await command.output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

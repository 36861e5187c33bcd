import { fromFileUrl } from "@std/path";

/** The words before the arguments that start this program in another process. */
export function ownProgram(): [string, ...string[]] {
  if (Deno.build.standalone) return [Deno.execPath()];
  return [Deno.execPath(), "run", "-A", "--no-prompt", fromFileUrl(new URL("./main.ts", import.meta.url))];
}

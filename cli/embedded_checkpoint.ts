import { join } from "@std/path";
import type { Options } from "./options.ts";

/** The folder beside this file that `deno task compile --checkpoint` puts into an executable. */
export const embeddedFolder = "embedded";

/**
 * In an executable that holds a checkpoint, `--checkpoint` need not be given: it is that one by default.
 *
 * @returns the options of a command, changed where they have `--checkpoint`
 */
export function withEmbeddedCheckpoint<O extends Options>(options: O): O {
  const { checkpoint } = options;
  const path = checkpoint?.kind === "path" ? embeddedCheckpoint() : undefined;
  return path === undefined ? options : { ...options, checkpoint: { ...checkpoint, default: path } };
}

function embeddedCheckpoint(): string | undefined {
  if (!Deno.build.standalone || import.meta.dirname === undefined) return undefined;
  const path = join(import.meta.dirname, embeddedFolder);
  try {
    return Deno.statSync(path).isDirectory ? path : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

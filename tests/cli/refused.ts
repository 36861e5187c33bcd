import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { bgpt } from "./bgpt.ts";

/** What a refused command line ends with: 1 for a failure, 2 for wrong usage. */
export interface Refusal {
  readonly args: readonly string[];
  readonly code: 1 | 2;
  /** A part of the one line on stderr. */
  readonly message: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Asserts that the program ends with one clear line on stderr, and nothing on stdout. */
export async function assertRefused({ args, code, message, env = {} }: Refusal): Promise<void> {
  const { code: actual, stdout, stderr } = await bgpt(args, env);
  assertStringIncludes(stderr, message);
  assertEquals([actual, stdout], [code, ""], stderr);
  assert(/^error: [^\n]+\n$/.test(stderr), `not one line: ${stderr}`);
}

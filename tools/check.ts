/**
 * Checks all that needs no test, `deno task check`: format, lint, types, the structure of the project, documentation and
 * what would be published. Every check runs, so that one run tells everything; the exit code is 1 if any failed.
 * @module
 */
import { packageNames, readPackage } from "./packages.ts";

const root = `${import.meta.dirname}/..`;

const entries = packageNames.flatMap((name) =>
  Object.values(readPackage(root, name).exports).map((path) => `${name}/${path}`)
);

/** What is checked, and the arguments of `deno` that check it. */
const checks: readonly (readonly [what: string, ...args: string[]])[] = [
  ["format", "fmt", "--check"],
  ["lint", "lint"],
  ["types, also of the examples", "check", "--doc"],
  ["compiled kernels are those of kernels/assembly", "run", "-A", "tools/build_assembly.ts", "--check"],
  ["structure", "run", "-A", "tools/check_structure.ts"],
  [
    "examples of the documentation run",
    ...[
      "test",
      "-A",
      "--doc",
      "--no-check",
      ...packageNames,
      "mod.ts",
      "README.md",
      "CONTRIBUTING.md",
      "docs",
    ],
  ],
  ["documentation of what is exported", "doc", "--lint", ...entries],
  // From the root alone, Deno publishes the root's package and leaves the members out. Types were checked above.
  ...[".", ...packageNames].map((name) =>
    [
      `publication of ${name === "." ? "the root" : name}`,
      ...["publish", "--dry-run", "--allow-dirty", "--no-check", "--config", `${name}/deno.json`],
    ] as const
  ),
];

const failed: string[] = [];
for (const [what, ...args] of checks) {
  const start = performance.now();
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args,
    cwd: root,
    stdin: "null",
  }).output();
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`${success ? "ok    " : "FAILED"} ${what} (${seconds} s)`);
  if (success) continue;
  failed.push(what);
  await Deno.stderr.write(stdout);
  await Deno.stderr.write(stderr);
}
if (failed.length > 0) {
  console.error(`error: Failed: ${failed.join("; ")}`);
  Deno.exit(1);
}

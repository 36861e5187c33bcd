/** The packages from the lowest up: each may import those before it. */
export const packageNames = ["kernels", "core", "tasks", "cli"] as const;

/** What a package's `deno.json` says. */
export interface Package {
  /** The modules that others can import: `.` and sub-paths such as `./files`, each with its file. */
  readonly exports: Readonly<Record<string, string>>;
}

/** Reads the `deno.json` of a package. */
export function readPackage(root: string, name: string): Package {
  return JSON.parse(Deno.readTextFileSync(`${root}/${name}/deno.json`));
}

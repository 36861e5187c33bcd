/**
 * MPICH and Open MPI, for the tests of training in several processes: their installation where that is possible.
 * @module
 */
import { apt, canInstall } from "./debian.ts";

/** Debian's packages, and the program of each that starts ranks. */
const packages = { mpich: "mpirun.mpich", "openmpi-bin": "mpirun.openmpi" } as const;

/** The packages of those that are not there. */
export async function missingMpis(): Promise<string[]> {
  const missing: string[] = [];
  for (const [name, program] of Object.entries(packages)) {
    if (!await runs(program)) missing.push(name);
  }
  return missing;
}

/** Installs Debian's packages and says so. */
export async function installMpis(names: readonly string[]): Promise<void> {
  if (!canInstall()) return;
  console.log(`No ${names.join(", no ")}: installing (apt-get install ${names.join(" ")})`);
  await apt(["update"]);
  await apt(["install", "--no-install-recommends", ...names]);
}

async function runs(program: string): Promise<boolean> {
  try {
    return (await new Deno.Command(program, { args: ["--version"], stdin: "null" }).output()).success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

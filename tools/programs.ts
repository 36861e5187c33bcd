/**
 * The programs that some tests start: which are there, and their installation where that is possible.
 * @module
 */
import { apt, canInstall } from "./debian.ts";

/** Debian's packages, and a command that tells whether a package's program is there. */
const packages = {
  abcmidi: ["abc2midi", "-ver"],
  mpich: ["mpirun.mpich", "--version"],
  "openmpi-bin": ["mpirun.openmpi", "--version"],
  zsh: ["zsh", "--version"],
  fish: ["fish", "--version"],
} as const;

/** Whether the program of a package is there. */
export async function isInstalled(name: keyof typeof packages): Promise<boolean> {
  const [program, ...args] = packages[name];
  try {
    return (await new Deno.Command(program, { args, stdin: "null" }).output()).success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Installs the packages whose programs are not there, and says so, or which tests are ignored without them. */
export async function installPrograms(): Promise<void> {
  const names = await missingPackages();
  if (names.length > 0 && canInstall()) {
    console.log(`No ${names.join(", no ")}: installing (apt-get install ${names.join(" ")})`);
    await apt(["update"]);
    await apt(["install", "--no-install-recommends", ...names]);
  }
  for (const name of await missingPackages()) console.log(`No ${name}: the tests that need it are ignored`);
}

async function missingPackages(): Promise<string[]> {
  const missing: string[] = [];
  for (const name of Object.keys(packages) as (keyof typeof packages)[]) {
    if (!await isInstalled(name)) missing.push(name);
  }
  return missing;
}

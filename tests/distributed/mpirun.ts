import { fromFileUrl } from "@std/path";
import type { Outcome } from "../cli/bgpt.ts";

const entry = fromFileUrl(new URL("../../cli/main.ts", import.meta.url));

/** An MPI as Debian installs it: both can be there, side by side. */
export interface Mpi {
  readonly name: string;
  /** What starts ranks. */
  readonly launcher: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
  /** The variable that tells a process its rank. */
  readonly rankVariable: string;
}

/** All that are tested. */
export const mpis: readonly Mpi[] = [
  { name: "MPICH", launcher: ["mpirun.mpich"], env: {}, rankVariable: "PMI_RANK" },
  {
    name: "Open MPI",
    // More ranks than cores, and root, as in a container.
    launcher: ["mpirun.openmpi", "--oversubscribe"],
    env: { OMPI_ALLOW_RUN_AS_ROOT: "1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: "1" },
    rankVariable: "OMPI_COMM_WORLD_RANK",
  },
];

/** Declares a test for each MPI; ignored where it is not installed. */
export function mpiTest(name: string, test: (mpi: Mpi) => Promise<void>): void {
  for (const mpi of mpis) {
    Deno.test({ name: `${name} (${mpi.name})`, ignore: !isInstalled(mpi), fn: () => test(mpi) });
  }
}

function isInstalled({ launcher: [program] }: Mpi): boolean {
  return Deno.env.get("PATH")!.split(":").some((folder) => {
    try {
      return Deno.statSync(`${folder}/${program}`).isFile;
    } catch {
      return false;
    }
  });
}

/** A job that runs. */
export interface Job {
  /** Waits for its end. */
  outcome(): Promise<Outcome>;
}

/**
 * Starts the real program `bgpt` in ranks.
 * @param groups ranks and arguments of each group
 */
export function startRanks(
  mpi: Mpi,
  ...groups: readonly { readonly ranks: number; readonly args: readonly string[] }[]
): Job {
  const own = [Deno.execPath(), "run", "-A", "--no-prompt", "--no-check", entry];
  const words = groups.flatMap(({ ranks, args }, i) => [
    ...(i > 0 ? [":"] : []),
    ...["-n", `${ranks}`, ...own, ...args],
  ]);
  return start([...mpi.launcher, ...words], mpi);
}

/** Starts a program. */
export function start([program, ...args]: readonly string[], { env }: Mpi): Job {
  const output = new Deno.Command(program!, { args, env, stdin: "null", stdout: "piped", stderr: "piped" })
    .spawn().output();
  return {
    async outcome() {
      const { code, stdout, stderr } = await output;
      const decoder = new TextDecoder();
      return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
    },
  };
}

/** The process of a rank of the job that has this word on its command line. */
export function processOf({ rankVariable }: Mpi, rank: number, word: string): number {
  for (const { name } of Deno.readDirSync("/proc")) {
    try {
      const words = Deno.readTextFileSync(`/proc/${name}/cmdline`).split("\0");
      if (!words.includes(word)) continue;
      const environment = Deno.readTextFileSync(`/proc/${name}/environ`).split("\0");
      if (environment.includes(`${rankVariable}=${rank}`)) return Number(name);
    } catch {
      // No process, or one that has just ended.
    }
  }
  throw new Error(`No process is rank ${rank} of the job with ${word}`);
}

/** A process's place among those that mpirun or srun started, as their environment tells it before MPI is there. */
export interface Launch {
  readonly rank: number;
  readonly size: number;
  /** Whose libraries the launcher usually starts. */
  readonly flavour: "mpich" | "openmpi";
}

/** Rank and size by the variables of each launcher; Slurm's also stand in the script of a job, which is no rank. */
const variables = [
  { rank: "OMPI_COMM_WORLD_RANK", size: "OMPI_COMM_WORLD_SIZE", flavour: "openmpi" },
  { rank: "PMI_RANK", size: "PMI_SIZE", flavour: "mpich" },
  { rank: "PMIX_RANK", size: "SLURM_STEP_NUM_TASKS", flavour: "openmpi" },
  { rank: "SLURM_PROCID", size: "SLURM_STEP_NUM_TASKS", flavour: "mpich" },
] as const;

/** Where a launcher put this process; undefined where none started it, or it alone. */
export function launchOf(variable: (name: string) => string | undefined): Launch | undefined {
  for (const { rank, size, flavour } of variables) {
    const [own, all] = [variable(rank), variable(size)];
    if (own !== undefined && Number(all) > 1) return { rank: Number(own), size: Number(all), flavour };
  }
  return undefined;
}

/** Where this process was put. */
export const ownLaunch: Launch | undefined = launchOf((name) => Deno.env.get(name));

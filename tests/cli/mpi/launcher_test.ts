import { assertEquals } from "@std/assert";
import { launchOf } from "../../../cli/mpi/launcher.ts";

function launched(variables: Readonly<Record<string, string>>) {
  return launchOf((name) => variables[name]);
}

Deno.test("a process finds its rank in what each launcher tells it", () => {
  const hydra = { PMI_RANK: "1", PMI_SIZE: "4" };
  assertEquals(launched(hydra), { rank: 1, size: 4, flavour: "mpich" });
  const openMpi = { OMPI_COMM_WORLD_RANK: "2", OMPI_COMM_WORLD_SIZE: "3", PMIX_RANK: "2" };
  assertEquals(launched(openMpi), { rank: 2, size: 3, flavour: "openmpi" });
  const slurm = { SLURM_PROCID: "5", SLURM_STEP_NUM_TASKS: "8" };
  assertEquals(launched({ ...slurm, PMIX_RANK: "5" }), { rank: 5, size: 8, flavour: "openmpi" });
  assertEquals(launched({ ...slurm, PMI_RANK: "5", PMI_SIZE: "8" }), { rank: 5, size: 8, flavour: "mpich" });
});

Deno.test("a process that no launcher started, or it alone, is no rank", () => {
  assertEquals(launched({}), undefined);
  assertEquals(launched({ PMI_RANK: "0", PMI_SIZE: "1" }), undefined);
  // The script of a Slurm job: srun has not started it, though the job has eight tasks.
  assertEquals(launched({ SLURM_PROCID: "0", SLURM_NTASKS: "8" }), undefined);
});

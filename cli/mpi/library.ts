import type { Launch } from "./launcher.ts";

/** Handles are numbers in MPICH and addresses in Open MPI: both pass as 64 bits. */
const handle = "u64";

const symbols = {
  MPI_Init_thread: { parameters: ["pointer", "pointer", "i32", "buffer"], result: "i32" },
  MPI_Comm_rank: { parameters: [handle, "buffer"], result: "i32" },
  MPI_Comm_size: { parameters: [handle, "buffer"], result: "i32" },
  MPI_Allreduce: {
    parameters: ["u64", "buffer", "i32", handle, handle, handle],
    result: "i32",
    nonblocking: true,
  },
  MPI_Reduce: {
    parameters: ["buffer", "buffer", "i32", handle, handle, "i32", handle],
    result: "i32",
    nonblocking: true,
  },
  MPI_Bcast: { parameters: ["buffer", "i32", handle, "i32", handle], result: "i32", nonblocking: true },
  MPI_Barrier: { parameters: [handle], result: "i32", nonblocking: true },
  MPI_Abort: { parameters: [handle, "i32"], result: "i32" },
  MPI_Finalize: { parameters: [], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

/** What is passed to MPI's functions by name. */
interface Handles {
  readonly world: bigint;
  readonly float: bigint;
  readonly double: bigint;
  readonly byte: bigint;
  readonly sum: bigint;
  readonly inPlace: bigint;
}

/** MPI, loaded. */
export interface MpiLibrary {
  /** The file. */
  readonly name: string;
  readonly functions: Deno.DynamicLibrary<typeof symbols>["symbols"];
  readonly handles: Handles;
}

/** The numbers of the ABI that MPICH, Intel MPI, MVAPICH and Cray MPICH share. */
const mpichHandles: Handles = {
  world: 0x44000000n,
  float: 0x4c00040an,
  double: 0x4c00080bn,
  byte: 0x4c00010dn,
  sum: 0x58000003n,
  inPlace: 0xffff_ffff_ffff_ffffn,
};

/** What Open MPI's handles point at. */
const openMpiSymbols = {
  world: "ompi_mpi_comm_world",
  float: "ompi_mpi_float",
  double: "ompi_mpi_double",
  byte: "ompi_mpi_byte",
  sum: "ompi_mpi_op_sum",
} as const;

const names = {
  mpich: ["libmpich.so.12", "libmpi.so.12", "libmpi_cray.so.12"],
  openmpi: ["libmpi.so.40"],
} as const;

const [RTLD_NOW, RTLD_GLOBAL] = [0x2, 0x100];

/**
 * Loads the MPI of the launcher, else the other one.
 * @throws {Error} when there is none
 */
export function loadMpi({ flavour, size }: Launch): MpiLibrary {
  const other = flavour === "mpich" ? "openmpi" : "mpich";
  const tried = [...names[flavour], ...names[other]];
  const system = openSystem();
  for (const name of tried) {
    // Open MPI's plugins look for their symbols among the global ones.
    const library = system.dlopen(cString(name), RTLD_NOW | RTLD_GLOBAL);
    if (library === null) continue;
    const address = (symbol: string) => Deno.UnsafePointer.value(system.dlsym(library, cString(symbol)));
    const { symbols: functions } = Deno.dlopen(name, symbols);
    return { name, functions, handles: openMpiHandles(address) ?? mpichHandles };
  }
  throw new Error(
    `Cannot train as one of ${size} ranks: found no MPI library (${
      tried.join(", ")
    }). Install MPICH or Open MPI (on ` +
      "Debian: apt-get install mpich), or name its folder in LD_LIBRARY_PATH",
  );
}

/** Their addresses, where the library is Open MPI. */
function openMpiHandles(address: (symbol: string) => bigint): Handles | undefined {
  if (address(openMpiSymbols.world) === 0n) return undefined;
  const handles = Object.entries(openMpiSymbols).map(([key, symbol]) => [key, address(symbol)]);
  return { ...Object.fromEntries(handles), inPlace: 1n };
}

function openSystem() {
  return Deno.dlopen("libc.so.6", {
    dlopen: { parameters: ["buffer", "i32"], result: "pointer" },
    dlsym: { parameters: ["pointer", "buffer"], result: "pointer" },
  }).symbols;
}

function cString(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${text}\0`);
}

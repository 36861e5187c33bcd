import type { Communicator } from "@bgpt/core";
import { deviceErrorCode } from "../errors.ts";
import { complain } from "../terminal.ts";
import { formatDuration } from "../units.ts";
import type { Launch } from "./launcher.ts";
import { loadMpi, type MpiLibrary } from "./library.ts";

/** Calls from any thread, one at a time. */
const MPI_THREAD_SERIALIZED = 2;
/** Calls from any threads at once. */
const MPI_THREAD_MULTIPLE = 3;

/** What a launcher takes at most to pass on what a rank wrote. */
const toldMilliseconds = 500;

/** The processes that a launcher started, over MPI. Calls run on a thread of their own, one after the other. */
export class MpiCommunicator implements Communicator {
  readonly rank: number;
  readonly size: number;
  readonly #mpi: MpiLibrary;
  /** How long a call may wait for the other ranks. */
  readonly #hangSeconds: number;
  /** Resolved when all calls so far are over: MPI takes one at a time. */
  #last: Promise<unknown> = Promise.resolve();
  /** Kept alive while MPI reads it: nobody else may need it any more. */
  #sent: Uint8Array | undefined;
  #ended = false;
  /** A program that ends without a word would take the others with it, and with success. */
  readonly #onUnload = () => this.abort(1);

  /**
   * Connects the ranks.
   * @throws {Error} when there is no MPI library, or it is not the launcher's
   */
  constructor(launch: Launch, hangSeconds: number) {
    this.#mpi = loadMpi(launch);
    this.#hangSeconds = hangSeconds;
    const { functions, handles } = this.#mpi;
    const given = new Int32Array(1);
    check("MPI_Init_thread", functions.MPI_Init_thread(null, null, MPI_THREAD_MULTIPLE, given));
    globalThis.addEventListener("unload", this.#onUnload);
    if (given[0]! < MPI_THREAD_SERIALIZED) {
      throw new Error(
        `Cannot train over ${this.#mpi.name}: it was built without support of threads. Use another MPI library`,
      );
    }
    const [rank, size] = [new Int32Array(1), new Int32Array(1)];
    check("MPI_Comm_rank", functions.MPI_Comm_rank(handles.world, rank));
    check("MPI_Comm_size", functions.MPI_Comm_size(handles.world, size));
    this.rank = rank[0]!;
    this.size = size[0]!;
    if (this.size !== launch.size) {
      throw new Error(
        `Cannot train as one of ${launch.size} ranks: ${this.#mpi.name} knows of ${this.size}, so it is not the library ` +
          "of the program that started them. Use the mpirun of that library, or srun with the right --mpi",
      );
    }
  }

  allReduceSum(values: Float32Array | Float64Array): Promise<void> {
    const { functions, handles } = this.#mpi;
    const { inPlace, sum, world } = handles;
    const type = values instanceof Float32Array ? handles.float : handles.double;
    return this.#call(
      "MPI_Allreduce",
      () => functions.MPI_Allreduce(inPlace, bytesOf(values), values.length, type, sum, world),
    );
  }

  reduceSum(values: Float32Array, root: number): Promise<void> {
    const { functions, handles: { float, sum, world } } = this.#mpi;
    const receives = root === this.rank;
    // Not in place: from 1000 floats on, MPICH 4.0.2 dies of it where the root is not rank 0 (found 2026-11-23).
    const sent = bytesOf(receives ? values.slice() : values);
    return this.#call("MPI_Reduce", () => {
      this.#sent = sent;
      const received = receives ? bytesOf(values) : null;
      return functions.MPI_Reduce(sent, received, values.length, float, sum, root, world);
    });
  }

  broadcast(values: Uint8Array, root: number): Promise<void> {
    const { functions, handles } = this.#mpi;
    const { byte, world } = handles;
    return this.#call(
      "MPI_Bcast",
      () => functions.MPI_Bcast(bytesOf(values), values.length, byte, root, world),
    );
  }

  barrier(): Promise<void> {
    const { functions, handles } = this.#mpi;
    return this.#call("MPI_Barrier", () => functions.MPI_Barrier(handles.world));
  }

  /** Waits for all ranks, however long that takes, and leaves MPI: the job then ends well. */
  async end(): Promise<void> {
    const { functions, handles } = this.#mpi;
    await this.#last;
    check("MPI_Barrier", await functions.MPI_Barrier(handles.world));
    this.#ended = true;
    globalThis.removeEventListener("unload", this.#onUnload);
    check("MPI_Finalize", functions.MPI_Finalize());
  }

  /** Ends all ranks with this exit code, once the launcher had time to pass on why: it drops what it did not read yet. */
  async fail(code: number): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, toldMilliseconds));
    this.abort(code);
  }

  /** Ends all ranks at once, with this exit code. */
  abort(code: number): void {
    if (this.#ended) return;
    this.#ended = true;
    const { functions, handles } = this.#mpi;
    functions.MPI_Abort(handles.world, code);
  }

  #call(name: string, call: () => Promise<number>): Promise<void> {
    const done = this.#last.then(async () => {
      const alarm = setTimeout(() => this.#giveUp(name), this.#hangSeconds * 1000);
      try {
        check(name, await call());
      } finally {
        clearTimeout(alarm);
      }
    });
    // Whoever waits for it is told of a failure.
    this.#last = done.catch(() => {});
    return done;
  }

  #giveUp(name: string): void {
    complain(
      `Rank ${this.rank} has waited ${
        formatDuration(this.#hangSeconds)
      } for the others in ${name}: one of them hangs. ` +
        "Go on with --resume, or with a longer --hang-timeout where it was only slow",
    );
    void this.fail(deviceErrorCode);
  }
}

function check(name: string, code: number): void {
  if (code !== 0) throw new Error(`${name} failed with code ${code}. See what MPI says above`);
}

function bytesOf(values: Float32Array | Float64Array | Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(values.buffer as ArrayBuffer, values.byteOffset, values.byteLength);
}

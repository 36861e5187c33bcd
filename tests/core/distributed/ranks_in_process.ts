import type { Communicator } from "@bgpt/core";

/** What the ranks bring to a call, each when it arrives, and when all have. */
interface Call {
  readonly brought: ArrayLike<number>[];
  arrived: number;
  readonly all: Promise<void>;
  readonly finish: () => void;
}

/** Ranks that live in one process, each the place of one in MPI. */
export function ranksInProcess(size: number): Communicator[] {
  const calls: Call[] = [];
  const callOf = (index: number) => {
    if (calls[index] === undefined) {
      const { promise, resolve } = Promise.withResolvers<void>();
      calls[index] = { brought: [], arrived: 0, all: promise, finish: resolve };
    }
    return calls[index];
  };
  return Array.from({ length: size }, (_, rank) => {
    let next = 0;
    const exchange = async (values: ArrayLike<number>) => {
      const call = callOf(next++);
      call.brought[rank] = Array.from(values);
      if (++call.arrived === size) call.finish();
      await call.all;
      return call.brought;
    };
    const sumInto = (values: Float32Array | Float64Array, brought: readonly ArrayLike<number>[]) => {
      for (const i of values.keys()) values[i] = brought.reduce((sum, other) => sum + other[i]!, 0);
    };
    return {
      rank,
      size,
      async allReduceSum(values) {
        sumInto(values, await exchange(values));
      },
      async reduceSum(values, root) {
        const brought = await exchange(values);
        if (rank === root) sumInto(values, brought);
      },
      async broadcast(values, root) {
        const brought = await exchange(values);
        values.set(brought[root]!);
      },
      barrier: () => Promise.reject(new Error("not needed")),
    };
  });
}

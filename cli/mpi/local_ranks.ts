import { type Communicator, crc32c } from "@bgpt/core";
import { cpus } from "node:os";

/** A process among those of its job that run on the same host. */
export interface LocalRanks {
  readonly rank: number;
  readonly size: number;
}

/** Finds out which ranks share this host, or container: those that know it by the same name. */
export async function localRanks(communicator: Communicator): Promise<LocalRanks> {
  const { rank, size } = communicator;
  if (size === 1) return { rank: 0, size: 1 };
  const host = crc32c(new TextEncoder().encode(Deno.hostname()));
  const hosts = new Float64Array(size);
  hosts[rank] = host;
  await communicator.allReduceSum(hosts);
  const onHost = (ranks: Float64Array) => ranks.filter((other) => other === host).length;
  return { rank: onHost(hosts.subarray(0, rank)), size: onHost(hosts) };
}

/** Threads of a rank on the processor: an equal part of its cores, fewer where the launcher bound it to fewer. */
export function threadsOfRank({ size }: LocalRanks): number {
  const usable = navigator.hardwareConcurrency;
  const all = Math.max(cpus().length, usable);
  // Bound to some cores, ranks have parts of their own already.
  const part = usable < all ? Math.min(usable, Math.floor(all / size)) : Math.floor(usable / size);
  return Math.max(1, part);
}

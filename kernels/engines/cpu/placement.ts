/**
 * Where the storages of a plan lie in WebAssembly memory.
 * @module
 */
import { planMemory } from "../../memory.ts";
import type { Plan, Storage } from "../../plan.ts";

/** Memory below this address belongs to the module. */
const firstAddress = 0x10000;
/** Storages start at cache lines. */
const alignment = 64;

/** The places of a plan. */
export interface Placement {
  /** Byte that each storage starts at. */
  readonly addresses: ReadonlyMap<Storage, number>;
  /** Byte behind them all. */
  readonly end: number;
}

/** Places the slots of a plan one behind the other. */
export function placePlan(plan: Plan): Placement {
  const addresses = new Map<Storage, number>();
  let end = firstAddress;
  for (const slot of planMemory(plan).slots) {
    for (const storage of slot.storages) addresses.set(storage, end);
    end += Math.ceil(slot.length * 4 / alignment) * alignment;
  }
  return { addresses, end };
}

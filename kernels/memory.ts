/**
 * Which storages of a plan may share memory, decided before anything is allocated.
 * @module
 */
import type { Plan, Role, Storage } from "./plan.ts";

/** Memory that storages take turns in. */
export interface Slot {
  /** Size in words of 4 bytes. */
  length: number;
  /** Those that take turns, in the order of their first use. */
  readonly storages: Storage[];
}

/** Where every storage of a plan lives. */
export interface MemoryPlan {
  /** All of them. */
  readonly slots: readonly Slot[];
  /** The slot of each storage that is used. */
  readonly slotOf: ReadonlyMap<Storage, Slot>;
  /** Bytes by the role of the slot's first storage, and in all. */
  readonly bytesByRole: Readonly<Record<Role, number>>;
  /** Bytes of all slots. */
  readonly totalBytes: number;
}

/** Words of 4 bytes that a storage takes. */
function storageWords({ type, length }: Storage): number {
  return type === "f16" ? Math.ceil(length / 2) : length;
}

/** Calls during which a storage's content matters, counted through all programs. */
interface Lifetime {
  readonly storage: Storage;
  first: number;
  last: number;
}

/**
 * Gives every storage a slot; activations that are never alive together share one (best fit, in order of first use).
 *
 * An activation that a program reads but did not itself write first is kept until that program's end, so a program may
 * be run several times in a row (the byte steps of generation).
 */
export function planMemory(plan: Plan): MemoryPlan {
  const lifetimes = activationLifetimes(plan);
  const slots: Slot[] = [];
  const slotOf = new Map<Storage, Slot>();
  const place = (storage: Storage, slot: Slot) => {
    slot.length = Math.max(slot.length, storageWords(storage));
    slot.storages.push(storage);
    slotOf.set(storage, slot);
  };
  const newSlot = (): Slot => {
    const slot: Slot = { length: 0, storages: [] };
    slots.push(slot);
    return slot;
  };

  for (const storage of plan.storages) {
    if (storage.role !== "activation") place(storage, newSlot());
  }
  const busy: { slot: Slot; last: number }[] = [];
  const free: Slot[] = [];
  for (const life of lifetimes) {
    for (let i = busy.length - 1; i >= 0; i--) {
      if (busy[i]!.last < life.first) free.push(busy.splice(i, 1)[0]!.slot);
    }
    const slot = takeBestFit(free, storageWords(life.storage)) ?? newSlot();
    place(life.storage, slot);
    busy.push({ slot, last: life.last });
  }

  const bytesByRole: Record<Role, number> = {
    parameter: 0,
    gradient: 0,
    moment: 0,
    input: 0,
    output: 0,
    activation: 0,
  };
  let totalBytes = 0;
  for (const slot of slots) {
    bytesByRole[slot.storages[0]!.role] += slot.length * 4;
    totalBytes += slot.length * 4;
  }
  return { slots, slotOf, bytesByRole, totalBytes };
}

/** The smallest free slot that is large enough, else the largest one (it grows); removes it from the list. */
function takeBestFit(free: Slot[], length: number): Slot | undefined {
  let best = -1;
  for (let i = 0; i < free.length; i++) {
    const candidate = free[i]!.length;
    const current = best < 0 ? 0 : free[best]!.length;
    const fits = candidate >= length;
    if (
      best < 0 || (fits ? current < length || candidate < current : current < length && candidate > current)
    ) {
      best = i;
    }
  }
  return best < 0 ? undefined : free.splice(best, 1)[0];
}

/** Lifetimes of the activations that are used at all, ordered by first use. */
function activationLifetimes(plan: Plan): Lifetime[] {
  const lifetimes = new Map<Storage, Lifetime>();
  let index = 0;
  for (const calls of plan.programs.values()) {
    const programStart = index;
    const programEnd = index + calls.length - 1;
    for (const call of calls) {
      for (const { storage } of Object.values(call.operands)) {
        if (storage.role !== "activation") continue;
        const life = lifetimes.get(storage);
        if (life === undefined) lifetimes.set(storage, { storage, first: index, last: index });
        else life.last = Math.max(life.last, life.first < programStart ? programEnd : index);
      }
      index++;
    }
  }
  return [...lifetimes.values()].sort((a, b) => a.first - b.first);
}

// Memory of a thread's own, to pack matrices in.

/** Bytes that every thread is given: what matmul.ts packs at most. */
const bytes: i32 = 3 << 19;

let address: usize = 0;

/** How much the engine has to give each thread. */
export function scratchBytes(): i32 {
  return bytes;
}

/** Tells this thread's instance where its scratch lies. */
export function useScratch(start: usize): void {
  address = start;
}

/** This thread's scratch. */
// @ts-ignore: decorator
@inline
export function scratch(): usize {
  return address;
}

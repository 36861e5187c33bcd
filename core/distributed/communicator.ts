/**
 * What processes that train one model together say to each other. All of them call the same methods in the same order.
 * @module
 */

/** A group of processes, the ranks. */
export interface Communicator {
  /** Which of them this is, from 0. */
  readonly rank: number;
  /** How many there are. */
  readonly size: number;
  /** Adds up what the ranks hold, element by element; the sums, the same bits in every rank, replace it. */
  allReduceSum(values: Float32Array | Float64Array): Promise<void>;
  /** The same, but only one rank gets the sums; what the others hold stays. */
  reduceSum(values: Float32Array, root: number): Promise<void>;
  /** Replaces what the ranks hold by what one of them does. */
  broadcast(values: Uint8Array, root: number): Promise<void>;
  /** Returns when all have come here. */
  barrier(): Promise<void>;
}

/** The only process there is. */
export const singleRank: Communicator = {
  rank: 0,
  size: 1,
  allReduceSum: () => Promise.resolve(),
  reduceSum: () => Promise.resolve(),
  broadcast: () => Promise.resolve(),
  barrier: () => Promise.resolve(),
};

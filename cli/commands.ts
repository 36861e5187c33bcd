import type { CommandEntry } from "./command.ts";

/** The command table, in the order in which the help lists it. */
export const commands: readonly CommandEntry[] = [
  {
    name: "data cpu",
    summary: "Write a corpus of random programs and the states of the machine that runs them",
    load: () => import("./commands/data_cpu.ts"),
  },
];

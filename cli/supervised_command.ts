import { ownProgram } from "./own_program.ts";

/**
 * The command line of now, without supervision.
 * @param launch what starts ranks of it, such as `mpirun -n 8`
 */
export function commandToSupervise(launch: string = ""): [string, ...string[]] {
  const own = Deno.args.filter((word, i) =>
    !/^--(supervise|launch(=.*)?)$/.test(word) && Deno.args[i - 1] !== "--launch"
  );
  const words = [...launch.split(/\s+/).filter((word) => word !== ""), ...ownProgram(), ...own];
  return words as [string, ...string[]];
}

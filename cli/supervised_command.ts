import { ownProgram } from "./own_program.ts";

/** How the process that is supervised learns of it: what `--launch` was given, or nothing. */
const supervisionVariable = "BGPT_SUPERVISED_LAUNCH";

/** The options of the supervisor that started this process; none where nobody did. */
export function ownSupervision(): { readonly supervise?: true; readonly launch?: string } {
  const launch = Deno.env.get(supervisionVariable);
  return launch === undefined ? {} : { supervise: true, ...(launch !== "" && { launch }) };
}

/**
 * The command line of now, without supervision; the processes that this one starts learn of it.
 * @param launch what starts ranks of it, such as `mpirun -n 8`
 */
export function commandToSupervise(launch: string = ""): [string, ...string[]] {
  Deno.env.set(supervisionVariable, launch);
  const own = Deno.args.filter((word, i) =>
    !/^--(supervise|launch(=.*)?)$/.test(word) && Deno.args[i - 1] !== "--launch"
  );
  const words = [...launch.split(/\s+/).filter((word) => word !== ""), ...ownProgram(), ...own];
  return words as [string, ...string[]];
}

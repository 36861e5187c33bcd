/**
 * Writes a folder and kills itself, for real, at one of the operations on the file system:
 * `killed_writer.ts FOLDER CONTENT OPERATION`. An operation that can be half done is half done.
 */
import { writeFolderAtomically } from "@bgpt/core/files";
import { checkpointFiles } from "./checkpoint_files.ts";

const [folder = "", content = "", operation = ""] = Deno.args;
let operationsLeft = Number(operation);

// deno-lint-ignore no-explicit-any -- any function of any owner is wrapped alike
function dieAt(owner: any, name: string, half?: (self: any, argument: any) => Promise<unknown>): void {
  const original = owner[name];
  // deno-lint-ignore no-explicit-any
  owner[name] = async function (this: any, ...args: any[]): Promise<unknown> {
    if (operationsLeft-- === 0) {
      await half?.(this, args[0]);
      Deno.kill(Deno.pid, "SIGKILL");
    }
    return await original.apply(this, args);
  };
}

const { write } = Deno.FsFile.prototype;
const { remove } = Deno;
dieAt(Deno, "mkdir");
dieAt(Deno, "open");
dieAt(Deno, "rename");
dieAt(Deno, "remove", (_, path) => remove(`${path}/model`));
dieAt(Deno.FsFile.prototype, "sync");
dieAt(Deno.FsFile.prototype, "write", (file, chunk) => write.call(file, chunk.subarray(0, chunk.length / 2)));

await writeFolderAtomically(folder, checkpointFiles(content));

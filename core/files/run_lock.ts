import { join } from "@std/path";
import { diskReason } from "./disk_reason.ts";

/** The file of a run's folder that the running process holds locked; it stays, as a sign that a run was begun here. */
export const runLockName = "run.lock";

/**
 * One process at a time works in a run's folder. The operating system gives the lock back when the process ends, however
 * it ends.
 */
export class RunLock implements Disposable {
  readonly #folder: string;
  readonly #file: Deno.FsFile;
  #held = true;

  /**
   * Takes the lock of a folder, which must be there.
   * @throws {Error} naming the process that works in it
   */
  constructor(folder: string) {
    this.#folder = folder;
    const path = join(folder, runLockName);
    this.#file = naming(folder, () => Deno.openSync(path, { read: true, write: true, create: true }));
    try {
      if (!naming(folder, () => this.#file.tryLockSync(true))) {
        throw new Error(
          `Cannot work in "${folder}": process ${
            processIn(path)
          } is training there. Wait for its end, or end it`,
        );
      }
      naming(folder, () => {
        this.#file.truncateSync();
        this.#file.writeSync(new TextEncoder().encode(`${Deno.pid}\n`));
      });
    } catch (error) {
      this.#file.close();
      throw error;
    }
  }

  /**
   * Makes sure that the folder is still the one that was locked: with a file system unmounted, the same path would lead to
   * another place.
   * @throws {Error} when it was unmounted, moved or removed
   */
  check(): void {
    const { dev, ino } = this.#file.statSync();
    let found: Deno.FileInfo | undefined;
    try {
      found = Deno.statSync(join(this.#folder, runLockName));
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
    if (found?.dev === dev && found.ino === ino) return;
    throw new Error(
      `Cannot go on in "${this.#folder}": the folder that the run began in is gone, unmounted, moved or removed. ` +
        "Bring it back and go on with --resume",
    );
  }

  /** Gives the lock back; once is enough. */
  [Symbol.dispose](): void {
    if (this.#held) this.#file.close();
    this.#held = false;
  }
}

function naming<T>(folder: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new Error(`Cannot work in "${folder}": ${diskReason(error)}`, { cause: error });
  }
}

/** What the holder wrote; on Windows nobody else can read it. */
function processIn(path: string): string {
  try {
    return Deno.readTextFileSync(path).trim() || "another";
  } catch {
    return "another";
  }
}

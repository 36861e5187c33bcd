import { dirname } from "@std/path";
import { statOf } from "./output_path.ts";

/**
 * A file that grows: it is called `NAME.partial` until it is complete, so that a run that is killed leaves no half file.
 * It is not held open, as there may be more of them than a process may open.
 */
export class GrowingFile {
  readonly #path: string;
  readonly #start: Uint8Array;
  #begun = false;
  /** What is no file, a pipe or a device, is written as it is, opened once. */
  #pipe: Deno.FsFile | undefined;

  /**
   * @param path what it is called in the end
   * @param start what it begins with, written with the first bytes
   */
  constructor(path: string, start: Uint8Array) {
    this.#path = path;
    this.#start = start;
  }

  /** Adds bytes at its end; the first time, its folder is made, and what an earlier run left is overwritten. */
  append(bytes: Uint8Array): void {
    if (!this.#begun) this.#begin();
    this.#begun = true;
    this.#write(bytes);
  }

  /** Gives it its name. */
  finish(): void {
    if (this.#pipe === undefined) Deno.renameSync(this.#partialPath, this.#path);
    else this.#pipe.close();
  }

  get #partialPath(): string {
    return `${this.#path}.partial`;
  }

  #begin(): void {
    if (statOf(this.#path)?.isFile === false) {
      this.#pipe = Deno.openSync(this.#path, { write: true });
    } else {
      Deno.mkdirSync(dirname(this.#path), { recursive: true });
      Deno.writeFileSync(this.#partialPath, new Uint8Array());
    }
    this.#write(this.#start);
  }

  #write(bytes: Uint8Array): void {
    if (this.#pipe === undefined) return Deno.writeFileSync(this.#partialPath, bytes, { append: true });
    for (let written = 0; written < bytes.length;) written += this.#pipe.writeSync(bytes.subarray(written));
  }
}

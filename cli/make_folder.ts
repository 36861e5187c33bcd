import { diskReason } from "@bgpt/core/files";

/**
 * Makes a folder and those that it is to lie in; it may be there already.
 * @throws {Error} when a file stands there, or the file system refuses
 */
export function makeFolder(path: string): void {
  try {
    Deno.mkdirSync(path, { recursive: true });
  } catch (error) {
    const reason = error instanceof Deno.errors.AlreadyExists
      ? "a file stands there. Name another"
      : diskReason(error);
    throw new Error(`Cannot make folder "${path}": ${reason}`, { cause: error });
  }
}

/**
 * Makes sure that nothing is lost where a folder will be written.
 * @param what the work, for the error: `import`
 * @throws {Error} naming what the folder holds
 */
export function checkVacant(path: string, what: string): void {
  try {
    for (const { name } of Deno.readDirSync(path)) {
      throw new Error(`Cannot ${what} to "${path}": it holds "${name}". Name a new or an empty folder`);
    }
  } catch (error) {
    // What is no folder is refused when it is written.
    const { NotADirectory, NotFound } = Deno.errors;
    if (!(error instanceof NotFound || error instanceof NotADirectory)) throw error;
  }
}

import { fileURLToPath, pathToFileURL } from "node:url";
export { basename, dirname, extname, isAbsolute, join, relative, resolve } from "node:path";

/** The path that a `file:` URL names. */
export function fromFileUrl(url: URL | string): string {
  return fileURLToPath(url);
}

/** The `file:` URL of an absolute path. */
export function toFileUrl(path: string): URL {
  return pathToFileURL(path);
}

/** Local stand-in for `jsr:@std/path` over `node:path`: only what this project uses. */
export { basename, dirname, extname, join, relative, resolve } from "node:path";

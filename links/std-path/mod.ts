/** Local stand-in for `jsr:@std/path` over `node:path`: only what this project uses. */
export {
  basename,
  dirname,
  extname,
  fromFileUrl,
  isAbsolute,
  join,
  relative,
  resolve,
  toFileUrl,
} from "./path.ts";

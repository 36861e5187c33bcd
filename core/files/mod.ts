/**
 * What core needs of a file system; the only part of it that needs Deno.
 * @module
 */
export * from "./atomic_folder.ts";
export * from "./disk_reason.ts";
export * from "./list_files.ts";
export * from "./checkpoint_folder.ts";
export * from "./run_lock.ts";
export * from "./folder_source.ts";
export * from "./tar_writer.ts";
export * from "./tar_source.ts";
export * from "./read_range.ts";

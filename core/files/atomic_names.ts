/*
 * Names of the folders that stand beside NAME while it is written. They are hidden and have this program's name in them,
 * so that nobody's own folder is taken for one, replaced or removed.
 */

/** Name of the complete folder that is to replace the one of this name. */
export function newName(name: string): string {
  return `.${name}.bgpt-new`;
}

/** What the names of the folders begin with that are being written or removed for the one of this name. */
export function temporaryPrefix(name: string): string {
  return `.${name}.bgpt-tmp-`;
}

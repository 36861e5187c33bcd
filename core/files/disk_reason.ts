/** Why the file system refused, in words for people: what is missing, and what to do about it. */
export function diskReason(error: unknown): string {
  const { code, message } = error instanceof Error
    ? error as Error & { readonly code?: string }
    : { code: undefined, message: String(error) };
  switch (code) {
    case "ENOSPC":
    case "EDQUOT":
      return "no space is left on its disk. Free some";
    case "EROFS":
      return "its file system is read-only. Mount it for writing";
    default:
      return message;
  }
}

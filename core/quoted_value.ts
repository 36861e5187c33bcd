/**
 * A value of a file as it may stand in a message: on one line, short, and never so deep that the stack overflows.
 *
 * @param value what `JSON.parse` gave, or undefined for what is not there
 */
export function quotedValue(value: unknown): string {
  const shallow = (_key: string, inner: unknown): unknown =>
    typeof inner === "object" && inner !== null && inner !== value ? "…" : inner;
  const text = JSON.stringify(value, shallow) ?? "nothing";
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}

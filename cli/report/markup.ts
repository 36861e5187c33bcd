/** HTML or SVG; only the `markup` tag makes it of text, so that nothing is left unescaped. */
export class Markup {
  /** @param source the text of the markup */
  constructor(readonly source: string) {}
}

/** What may stand in `${…}` of a `markup` template: text and numbers are escaped, markup is not, lists are joined. */
export type MarkupValue = string | number | Markup | readonly Markup[];

/**
 * Makes markup of a template, with all text in it escaped, also for attributes, which have to be quoted.
 *
 * @example
 * ```ts ignore
 * const name = "a<b";
 * markup`<p title="${name}">${name}</p>`.source; // <p title="a&#60;b">a&#60;b</p>
 * ```
 */
export function markup(literals: TemplateStringsArray, ...values: readonly MarkupValue[]): Markup {
  const parts = literals.map((literal, i) => literal + (i < values.length ? escaped(values[i]!) : ""));
  return new Markup(parts.join(""));
}

function escaped(value: MarkupValue): string {
  if (value instanceof Markup) return value.source;
  if (typeof value === "object") return value.map((part) => part.source).join("");
  return String(value).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

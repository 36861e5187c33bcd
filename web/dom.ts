/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
// The types of pages, for all files of web/: this one reference serves the whole program.

/**
 * The first element that a selector finds.
 * @throws {TypeError} when there is none of that type
 */
export function find<E extends Element>(
  selector: string,
  type: new () => E,
  within: ParentNode = document,
): E {
  const element = within.querySelector(selector);
  if (element instanceof type) return element;
  throw new TypeError(`The page has no ${type.name} "${selector}"`);
}

/** The field of a form by its name. */
export function field(form: HTMLFormElement, name: string): HTMLInputElement {
  return find(`input[name="${name}"]`, HTMLInputElement, form);
}

/** A new element with text or other elements in it. */
export function create<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  ...content: readonly (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  element.append(...content);
  return element;
}

/** Shows a text in an element, which is hidden while it has none. */
export function tell(element: HTMLElement, text: string): void {
  element.textContent = text;
  element.hidden = text === "";
}

/** Saves bytes or text as a file of the user's. */
export function save(content: BlobPart, name: string): void {
  const link = create("a");
  link.href = URL.createObjectURL(new Blob([content]));
  link.download = name;
  link.click();
  // The browser has to fetch it first, and tells nobody when it has.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/**
 * The bytes of a file of the user's.
 * @throws {Error} when it cannot be read
 */
export async function readFile(file: File): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return new Uint8Array(await file.arrayBuffer());
  } catch (error) {
    throw new Error(
      `Cannot read "${file.name}" of ${file.size} bytes: ${
        (error as Error).message
      } Open it again, or a smaller one`,
    );
  }
}

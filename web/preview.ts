/**
 * Bytes as people see them: text, a hex dump, a picture, a sound.
 * @module
 */
import { asciiOf, rowBytes } from "../cli/report/hex_heat.ts";
import { create, find } from "./dom.ts";

type View = "text" | "hex" | "image" | "sound";

/** The media types of what browsers can show, by extension. */
const mediaTypes: Readonly<Record<string, string>> = {
  bmp: "image/bmp",
  gif: "image/gif",
  jpeg: "image/jpeg",
  jpg: "image/jpeg",
  png: "image/png",
  webp: "image/webp",
  flac: "audio/flac",
  mp3: "audio/mpeg",
  ogg: "audio/ogg",
  wav: "audio/wav",
};
const hexExtensions: readonly string[] = ["bin", "mid", "midi"];

/** Most bytes that are shown as text or in hex. */
const shownBytes = 65536;

/** A file that grows, shown by the view that its extension suggests or the user chooses. */
export class Preview {
  readonly #place: HTMLElement;
  readonly #views: ReadonlyMap<View, HTMLInputElement>;
  #extension = "";
  #given = 0;
  #chunks: Uint8Array<ArrayBuffer>[] = [];
  #complete = false;
  #frame: number | undefined;
  #lastDrawing = 0;
  #url: string | undefined;

  /** @param result holds the choice of views and a `.preview` */
  constructor(result: HTMLElement) {
    this.#place = find(".preview", HTMLElement, result);
    const inputs = [...result.querySelectorAll<HTMLInputElement>("input[name=view]")];
    this.#views = new Map(inputs.map((input) => [input.value as View, input]));
    for (const input of inputs) input.addEventListener("change", () => void this.#draw());
  }

  /** Begins with another file, of which some bytes are given. */
  begin(extension: string, given: Uint8Array<ArrayBuffer>): void {
    this.#extension = extension.toLowerCase();
    this.#given = given.length;
    this.#chunks = [given];
    this.#complete = false;
    this.#views.get(viewOf(this.#extension))!.checked = true;
    this.#place.replaceChildren();
    void this.#draw();
  }

  /** Adds bytes; they are drawn with the next frame. */
  add(bytes: Uint8Array): void {
    this.#chunks.push(Uint8Array.from(bytes));
    this.#frame ??= requestAnimationFrame(() => void this.#draw());
  }

  /** Nothing more comes. @returns the whole file */
  end(): Uint8Array<ArrayBuffer> {
    this.#complete = true;
    void this.#draw();
    return this.#bytes();
  }

  #bytes(): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(this.#chunks.reduce((sum, { length }) => sum + length, 0));
    let offset = 0;
    for (const chunk of this.#chunks) {
      bytes.set(chunk, offset);
      offset += chunk.length;
    }
    return bytes;
  }

  async #draw(): Promise<void> {
    if (this.#frame !== undefined) cancelAnimationFrame(this.#frame);
    this.#frame = undefined;
    const drawing = ++this.#lastDrawing;
    const view = [...this.#views].find(([, input]) => input.checked)?.[0];
    const bytes = this.#bytes();
    const shown = view === "image"
      ? await this.#picture(bytes)
      : view === "sound"
      ? this.#sound(bytes)
      : this.#pre(view === "hex" ? hexOf : textOf, bytes);
    // A picture takes a while, and something later may have been drawn.
    if (drawing === this.#lastDrawing) this.#place.replaceChildren(...shown);
  }

  #pre(format: (bytes: Uint8Array) => string, bytes: Uint8Array): HTMLElement[] {
    const shown = bytes.subarray(0, shownBytes);
    // A hex dump's rows cannot be cut in two where the given bytes end.
    const given = format === hexOf ? 0 : this.#given;
    const start = create("span", format(shown.subarray(0, given)));
    start.className = "given";
    const rest = bytes.length - shown.length;
    const dump = create("pre", start, format(shown.subarray(given)));
    dump.className = format === hexOf ? "hex" : "text";
    // So that it can be scrolled by the keyboard.
    dump.tabIndex = 0;
    return [
      dump,
      ...(rest > 0 ? [note(`${rest.toLocaleString("en")} bytes more are in the file.`)] : []),
    ];
  }

  async #picture(bytes: Uint8Array<ArrayBuffer>): Promise<Node[]> {
    const image = new Image();
    image.alt = "The file as a picture";
    const url = URL.createObjectURL(new Blob([bytes], { type: this.#mediaType("image/bmp") }));
    image.src = url;
    try {
      await image.decode();
      return [image];
    } catch {
      return [note(this.#complete ? "This browser can make no picture of these bytes." : "No picture yet.")];
    } finally {
      URL.revokeObjectURL(url);
    }
  }

  #sound(bytes: Uint8Array<ArrayBuffer>): Node[] {
    if (!this.#complete) return [note("It can be heard when it is finished.")];
    if (this.#url !== undefined) URL.revokeObjectURL(this.#url);
    this.#url = URL.createObjectURL(new Blob([bytes], { type: this.#mediaType("audio/wav") }));
    const audio = create("audio");
    audio.controls = true;
    audio.src = this.#url;
    audio.addEventListener(
      "error",
      () => audio.replaceWith(note("This browser can make no sound of these bytes.")),
    );
    return [audio];
  }

  #mediaType(otherwise: string): string {
    return mediaTypes[this.#extension] ?? otherwise;
  }
}

function viewOf(extension: string): View {
  const type = mediaTypes[extension];
  if (type !== undefined) return type.startsWith("image/") ? "image" : "sound";
  return hexExtensions.includes(extension) ? "hex" : "text";
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

function hexOf(bytes: Uint8Array): string {
  return Array.from({ length: Math.ceil(bytes.length / rowBytes) }, (_, row) => {
    const part = bytes.subarray(row * rowBytes, (row + 1) * rowBytes);
    const hex = Array.from(part, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
    return `${(row * rowBytes).toString(16).padStart(8, "0")}  ${hex.padEnd(3 * rowBytes)} ${asciiOf(part)}`;
  }).join("\n");
}

function note(text: string): HTMLElement {
  const paragraph = create("p", text);
  paragraph.className = "note";
  return paragraph;
}

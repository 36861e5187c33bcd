/**
 * Opening a checkpoint, and what it holds.
 * @module
 */
import { tableOf } from "@bgpt/core";
import { openCheckpoint, type OpenedCheckpoint, type OpenedFile } from "./checkpoint_files.ts";
import { create, find, tell } from "./dom.ts";
import { chosenFiles, droppedFiles } from "./opened_files.ts";
import type { Session } from "./session.ts";

/** Makes the panel work. */
export function checkpointPanel(session: Session): void {
  const error = find("#checkpoint-error", HTMLElement);
  const facts = find("#checkpoint-facts", HTMLElement);
  const buttons = ["#open-folder", "#open-files"].map((selector) => find(selector, HTMLButtonElement));
  const inputs = ["#folder", "#files"].map((selector) => find(selector, HTMLInputElement));

  const open = async (gathered: Promise<OpenedFile[]>) => {
    tell(error, "");
    facts.replaceChildren(create("p", "Reading…"));
    session.open(undefined);
    try {
      const opened = await openCheckpoint(await gathered);
      facts.replaceChildren(...factsOf(opened));
      session.open(opened);
    } catch (reason) {
      facts.replaceChildren();
      tell(error, (reason as Error).message);
    }
  };

  for (const [i, input] of inputs.entries()) {
    buttons[i]!.addEventListener("click", () => input.click());
    input.addEventListener("change", () => {
      const files = chosenFiles(input);
      // So that the same folder can be opened again, after it was changed.
      input.value = "";
      if (files.length > 0) void open(Promise.resolve(files));
    });
  }
  session.addEventListener("change", () => buttons.forEach((button) => button.disabled = session.busy));
  document.addEventListener("dragover", (event) => {
    if (!isFileField(event)) event.preventDefault();
  });
  document.addEventListener("drop", (event) => {
    if (isFileField(event)) return;
    event.preventDefault();
    if (event.dataTransfer!.items.length > 0 && !session.busy) void open(droppedFiles(event.dataTransfer!));
  });
}

/** Fields for files take what is dropped on them themselves. */
function isFileField({ target }: Event): boolean {
  return target instanceof HTMLInputElement && target.type === "file";
}

/** What `bgpt info` tells. */
function factsOf({ name, checkpoint, progress }: OpenedCheckpoint): Node[] {
  const { model, labels, config } = checkpoint;
  const training = Object.entries(config ?? {}).filter(([key]) => !(key in model));
  const own = list([
    ["checkpoint", name],
    ["parameters", tableOf(checkpoint).parameterCount.toLocaleString("en")],
    // A classifier has no byte level, whatever its configuration says of one.
    ...Object.entries(model).filter(([key]) => labels === undefined || !key.startsWith("byte")),
    ...progress,
    ...(labels === undefined ? [] : [["classes", labels.join(", ")] as const]),
  ]);
  if (training.length === 0) return [own];
  return [own, create("details", create("summary", "How it was trained"), list(training))];
}

function list(rows: readonly (readonly [name: string, value: unknown])[]): HTMLElement {
  const facts = create(
    "dl",
    ...rows.map(([name, value]) => create("div", create("dt", words(name)), create("dd", String(value)))),
  );
  facts.className = "facts";
  return facts;
}

/** `patchLength` as "Patch length". */
function words(name: string): string {
  const spaced = name.replace(/[A-Z0-9]+/g, (part) => ` ${part.toLowerCase()}`);
  return spaced[0]!.toUpperCase() + spaced.slice(1);
}

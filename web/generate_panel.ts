/**
 * Generation: settings, the bytes as they come, and the file that they make.
 * @module
 */
import { fileExtension, filePatches, generate, type GenerationRequest, patchCountOf } from "@bgpt/core";
import { formatBytes, formatDuration, formatRate } from "../cli/units.ts";
import { field, find, readFile, save } from "./dom.ts";
import { Panel } from "./panel.ts";
import { Preview } from "./preview.ts";
import type { Session } from "./session.ts";

/** Makes the panel work. */
export function generatePanel(session: Session): void {
  const panel: Panel = new Panel(session, "generate", run);
  const { form, result } = panel;
  const stop = find("button[name=stop]", HTMLButtonElement, form);
  const download = find("button[name=save]", HTMLButtonElement, form);
  const preview = new Preview(result);
  let stopped = false;
  let made: { readonly bytes: BlobPart; readonly name: string } | undefined;

  stop.addEventListener("click", () => stopped = true);
  download.addEventListener("click", () => save(made!.bytes, made!.name));
  const prefix = field(form, "prefix");
  prefix.addEventListener("change", () => {
    const [file] = prefix.files!;
    if (file !== undefined) field(form, "extension").value = fileExtension(file.name);
  });

  async function run(): Promise<void> {
    const extension = field(form, "extension").value;
    const [file] = prefix.files!;
    const start = file === undefined ? new Uint8Array() : await readFile(file);
    stopped = false;
    download.disabled = true;
    result.hidden = false;
    preview.begin(extension, start);
    stop.disabled = false;
    try {
      await session.compute(async (engine, { checkpoint: { model, parameters } }) => {
        const request = requestOf(form, start, extension, model);
        const started = performance.now();
        let byteCount = 0;
        panel.say("Preparing…");
        for await (const { bytes, finished } of generate(engine, model, parameters, request)) {
          byteCount += bytes.length;
          preview.add(bytes);
          const seconds = (performance.now() - started) / 1000;
          panel.say(
            `${formatBytes(byteCount)} in ${formatDuration(seconds)}, ${
              formatRate(byteCount / seconds, "B")
            }` +
              (finished ? "." : stopped ? ", stopped." : "…"),
          );
          if (stopped) break;
        }
      });
    } finally {
      stop.disabled = true;
      const bytes = preview.end();
      made = { bytes, name: `generated.${extension}` };
      download.disabled = bytes.length === start.length;
    }
  }
}

function requestOf(
  form: HTMLFormElement,
  start: Uint8Array,
  extension: string,
  { patchSize, patchLength }: { readonly patchSize: number; readonly patchLength: number },
): GenerationRequest {
  const number = (name: string) => field(form, name).valueAsNumber;
  const isChecked = (name: string) => field(form, name).checked;
  const bytes = number("bytes");
  // The last patch of a prefix may be partial: so its padding and its end are cut off.
  const whole = filePatches(start, extension, {
    patchSize,
    patchLength: patchCountOf(start.length, patchSize),
  });
  return {
    prefixes: [whole.subarray(0, patchSize + start.length)],
    byteLimit: Number.isNaN(bytes) ? patchLength * patchSize : bytes,
    sampling: {
      temperature: orElse(number("temperature"), 1),
      topP: orElse(number("topP"), 1),
      topK: orElse(number("topK"), 0),
      seed: orElse(number("seed"), 0),
      greedy: isChecked("greedy"),
    },
    ignoreEnd: isChecked("ignoreEnd"),
    beyondPatchLength: isChecked("beyondPatchLength"),
  };
}

/** A field that was emptied has no number. */
function orElse(value: number, otherwise: number): number {
  return Number.isNaN(value) ? otherwise : value;
}

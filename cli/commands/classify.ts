import {
  classify,
  fileSamples,
  type NamedSample,
  type PatchSizes,
  RandomStream,
  type SampleSource,
  stripCapacity,
} from "@bgpt/core";
import { folderSource } from "@bgpt/core/files";
import { mostProbable } from "@bgpt/tasks";
import { openClassifier } from "../checkpoint.ts";
import { defineCommand } from "../command.ts";
import { engineOptions, openEngine } from "../engine.ts";
import { ProgressLine } from "../progress.ts";
import { tellCuts } from "../tell_cuts.ts";
import { note, print, printJson } from "../terminal.ts";
import { formatCount } from "../units.ts";

/** `bgpt classify`: which class a file belongs to. */
export default defineCommand({
  description:
    "Tells the class of files, a line each as soon as it is known: class, probability, path. A file beyond the patch " +
    "length is read up to it; one that cannot be read is named, and the rest goes on.",
  positionals: {
    files: { placeholder: "FILE", many: true, help: "files, folders of them or tars" },
  },
  options: {
    checkpoint: {
      kind: "path",
      placeholder: "DIR",
      required: true,
      help: "a classifier, or the --out folder of its run",
    },
    batch: { kind: "integer", minimum: 1, default: 16, help: "files of full length computed at a time" },
    ...engineOptions,
    json: { kind: "flag", help: "print a line of JSON for each file, with the probabilities of all classes" },
  },
  examples: [
    { what: "which words are spoken", line: "classify --checkpoint runs/words one.wav two.wav" },
    { what: "a folder, for a program to read", line: "classify --checkpoint runs/words --json recordings" },
  ],
  run: async ({ files: paths, checkpoint: path, batch, json, ...engineChoice }) => {
    const checkpoint = await openClassifier(path);
    const { model, labels } = checkpoint;
    const source = fileSamples(await folderSource(paths));
    const patchCapacity = stripCapacity(source, { ...model, batch: Math.min(batch, source.count) });
    tellCuts(source, { ...model, cut: "head" });
    const engine = await openEngine(engineChoice);
    let done = 0;
    {
      // In a terminal the lines themselves show how it goes.
      using progress = Deno.stdout.isTerminal()
        ? undefined
        : new ProgressLine("Classifying", source.count, "files");
      const samples = readableSamples(source, model, progress?.note.bind(progress) ?? note);
      for await (const { name, probabilities } of classify(engine, checkpoint, samples, patchCapacity)) {
        const best = mostProbable(probabilities);
        if (json) {
          const all = Object.fromEntries(labels.map((label, k) => [label, probabilities[k]]));
          printJson({
            file: name,
            label: labels[best],
            probability: probabilities[best],
            probabilities: all,
          });
        } else {
          print(`${labels[best]}  ${probabilities[best]!.toFixed(4)}  ${name}`);
        }
        done++;
        progress?.update(done);
      }
    }
    engine.destroy();
    if (done === 0) {
      throw new Error(`Cannot classify: none of ${formatCount(source.count, "file")} can be read`);
    }
  },
});

/** Every file that can be read; of the others it is told why. */
async function* readableSamples(
  source: SampleSource,
  sizes: PatchSizes,
  tell: (text: string) => void,
): AsyncGenerator<NamedSample> {
  const options = { ...sizes, cut: "head" } as const;
  for (let i = 0; i < source.count; i++) {
    try {
      yield { name: source.name(i), ...await source.read(i, options, new RandomStream(0)) };
    } catch (error) {
      tell((error as Error).message);
    }
  }
}

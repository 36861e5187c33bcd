/**
 * Whether mixed precision learns as f32 does: the same steps on the same batches of text (this repository's own files) in
 * both, and the loss on held-out text at the end.
 *
 *     deno task bench precision [--size tiny|small|medium|official] [--steps 500] [--batch N] [--patches N]
 *         [--webgpu dawn] [--json]
 */
import {
  type Config,
  meanLossNats,
  packStrip,
  RandomStream,
  type Strip,
  Trainer,
  trainingOptions,
  trainingPlan,
} from "@bgpt/core";
import { join } from "@std/path";
import { type EngineChoice, openEngine } from "../cli/engine.ts";
import { parseCommandLine } from "../cli/parse.ts";
import { note } from "../cli/terminal.ts";
import { benchOptions } from "./options.ts";
import type { BenchRecord, Print } from "./records.ts";
import { summarise } from "./samples.ts";
import { benchSizes } from "./sizes.ts";

/** Folders whose text is learnt from. */
const folders = ["kernels/operations", "core", "tasks", "cli", "docs"];

/** Share of the text, its end, that is held out, and strips that are taken of it. */
const heldOutShare = 0.1;
const heldOutStrips = 8;

/** How both runs train; AdamW and its schedule are the preset's. */
interface Run {
  readonly config: Config;
  readonly batch: number;
  readonly training: Uint8Array;
  readonly heldOut: Uint8Array;
}

/** How one of them ended. */
interface Outcome {
  /** Nats of a held-out byte. */
  readonly heldOutNats: number;
  /** Nats of a byte of each step. */
  readonly losses: readonly number[];
  readonly overflows: number;
  readonly lossScale?: number;
  readonly stepSeconds: readonly number[];
}

/** Runs the benchmark with these arguments. */
export async function benchPrecision(args: readonly string[], print: Print): Promise<void> {
  const { precision: _, ...options } = benchOptions;
  const { size, json, steps, batch, patches, ...choice } = parseCommandLine(args, {
    ...options,
    steps: { kind: "integer", minimum: 1, default: 500, help: "steps of both runs" },
    batch: { kind: "integer", minimum: 1, help: "files of full length in a step (default: the size's)" },
    patches: { kind: "integer", minimum: 2, help: "patches of such a file (default: the size's)" },
  }, {});
  const text = await ownText();
  const end = Math.floor(text.length * (1 - heldOutShare));
  const { config } = benchSizes[size];
  const run: Run = {
    config: {
      ...config,
      patchLength: patches ?? config.patchLength,
      steps,
      warmup: Math.min(100, Math.ceil(steps / 5)),
    },
    batch: batch ?? benchSizes[size].batch,
    training: text.subarray(0, end),
    heldOut: text.subarray(end),
  };
  const outcomes = { f32: await train(run, choice, "f32"), mixed: await train(run, choice, "mixed") };
  const ratio = outcomes.mixed.heldOutNats / outcomes.f32.heldOutNats;
  for (
    const [precision, { heldOutNats, losses, overflows, lossScale, stepSeconds }] of Object.entries(outcomes)
  ) {
    const record: BenchRecord = {
      bench: "precision",
      size,
      name: `${steps} steps, ${run.batch} x ${run.config.patchLength} patches`,
      precision,
      ...summarise(stepSeconds),
      heldOutNats,
      overflows,
      ...(lossScale !== undefined && { lossScale }),
      ...(precision === "mixed" && { toF32: ratio }),
      losses: losses.filter((_, i) => i % Math.ceil(steps / 50) === 0 || i === steps - 1),
    };
    const scale = lossScale === undefined ? "" : `; ${overflows} overflows, loss scale ${lossScale}`;
    if (json) print(JSON.stringify(record));
    else {print(
        `${precision}: ${heldOutNats.toFixed(4)} nats held out, ${
          losses.at(-1)!.toFixed(4)
        } in the last step${scale}`,
      );}
  }
  if (!json) print(`mixed to f32: ${((ratio - 1) * 100).toFixed(3)} % after ${steps} steps at size ${size}`);
}

/** The text of this repository, file after file. */
async function ownText(): Promise<Uint8Array> {
  const root = new URL("..", import.meta.url).pathname;
  const texts: Uint8Array[] = [];
  for (const folder of folders) {
    const entries = await Array.fromAsync(Deno.readDir(join(root, folder)));
    for (const { name } of entries.sort((a, b) => a.name < b.name ? -1 : 1)) {
      if (/\.(ts|md)$/.test(name)) texts.push(await Deno.readFile(join(root, folder, name)));
    }
  }
  return new Uint8Array(await new Blob(texts as Uint8Array<ArrayBuffer>[]).arrayBuffer());
}

/** A strip of pieces of full length from random places. */
function stripOf(
  { config: { patchLength, patchSize }, batch }: Run,
  text: Uint8Array,
  stream: number,
): Strip {
  const random = new RandomStream(0, stream);
  const length = (patchLength - 1) * patchSize;
  const files = Array.from({ length: batch }, () => {
    const start = random.below(text.length - length);
    return { tokens: Uint16Array.from(text.subarray(start, start + length)) };
  });
  return packStrip(files, batch * patchLength, patchSize);
}

async function train(run: Run, choice: EngineChoice, precision: "f32" | "mixed"): Promise<Outcome> {
  const { config, batch } = run;
  const engine = await openEngine({ ...choice, precision });
  const plan = trainingPlan(config, batch * config.patchLength, trainingOptions(engine));
  const trainer = await Trainer.create(engine, config, plan);
  const losses: number[] = [];
  const stepSeconds: number[] = [];
  let overflows = 0;
  for (let step = 1; step <= config.steps;) {
    const start = performance.now();
    const last = Math.min(config.steps, step + 19);
    const steps = last - step + 1;
    for (; step <= last; step++) trainer.train([stripOf(run, run.training, step)]);
    for (const { totals, overflowed } of await trainer.metrics()) {
      losses.push(meanLossNats(totals));
      if (overflowed) overflows++;
    }
    stepSeconds.push((performance.now() - start) / 1000 / steps);
    note(`${precision}, step ${last}: ${losses.at(-1)!.toFixed(4)} nats`);
  }
  async function* heldOut() {
    for (let i = 0; i < heldOutStrips; i++) {
      yield await Promise.resolve({ strip: stripOf(run, run.heldOut, i) });
    }
  }
  const { totals } = await trainer.evaluate(heldOut());
  const { lossScaling } = await trainer.state();
  trainer.destroy();
  engine.destroy();
  return {
    heldOutNats: meanLossNats(totals),
    losses,
    overflows,
    ...(lossScaling && { lossScale: lossScaling.scale }),
    stepSeconds,
  };
}

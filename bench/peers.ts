/**
 * Training, generation and the largest matrix product here beside PyTorch, and the product beside jax-js, in one run.
 *
 *     deno task bench peers [--size tiny|small|medium|official] [--batch 1,4,16] [--patches N] [--peer FILE]
 *         [--no-own] [--device gpu|cpu|reference] [--json]
 *
 * PyTorch computes in fp32, tf32, fp16 and bf16 on a CUDA GPU, else in fp32 on the processor. What is missing is said and
 * left out. `--no-own` times the peers alone.
 */
import { adapterKind, type Engine } from "@bgpt/kernels";
import { alignedLines } from "../cli/doctor/text_table.ts";
import { measureRates } from "../cli/doctor/rates.ts";
import { type EngineChoice, openEngine } from "../cli/engine.ts";
import { parseCommandLine } from "../cli/parse.ts";
import { note } from "../cli/terminal.ts";
import { formatRate } from "../cli/units.ts";
import { webGpuAdapter } from "../cli/webgpu_provider.ts";
import { type JaxDevice, timeJax } from "./jax_js.ts";
import { benchOptions, countsOf } from "./options.ts";
import type { BenchRecord, Print } from "./records.ts";
import { type Samples, summarise } from "./samples.ts";
import { benchSizes, type SizeName } from "./sizes.ts";
import { generationParameters, remainingPatches, timeGeneration } from "./time_generation.ts";
import { timeSteps } from "./time_steps.ts";
import { defaultPeer, findTorch, runTorch, runTorchMatmul, type Torch, torchModes } from "./torch.ts";

/** A figure that can be compared: more a second is better. */
interface Row extends BenchRecord {
  readonly who: string;
  readonly perSecond: number;
  readonly unit: "B" | "FLOP";
}

/** What all of them do. */
interface Work {
  readonly size: SizeName;
  readonly batches: readonly number[];
  readonly patches: number;
}

/** Runs the benchmark with these arguments. */
export async function benchPeers(args: readonly string[], print: Print): Promise<void> {
  const { size, json, batch, patches, peer, own, ...choice } = parseCommandLine(args, {
    ...benchOptions,
    batch: { kind: "list", placeholder: "N,N", help: "files of full length in a step (default: the size's)" },
    patches: { kind: "integer", minimum: 1, help: "patches to generate (default: to the patch length)" },
    peer: { kind: "path", placeholder: "FILE", default: defaultPeer, help: "the published model in PyTorch" },
    own: { kind: "flag", negatable: true, default: true, help: "time this project, too" },
  }, {});
  const batches = countsOf(batch, "batch", [benchSizes[size].batch]);
  const work = { size, batches, patches: patches ?? remainingPatches(size) };
  const rows: Row[] = [];
  const take = (row: Row) => {
    rows.push(row);
    if (json) print(JSON.stringify(row));
  };
  let side = await ownSide(choice);
  if (own) {
    const engine = await openEngine(choice);
    for await (const row of ownRows(engine, work)) {
      take(row);
      side = Number(row["side"] ?? side);
    }
    engine.destroy();
  }
  const torch = await findTorch();
  if (torch === undefined) note("PyTorch is not measured: no python3 here has it");
  else {for await (const row of torchRows(torch, work, peer, torch.cuda ? side : Math.min(side, 1024))) {
      take(row);
    }}
  const device: JaxDevice = choice.device === "gpu" || choice.device === "auto"
    ? { device: "webgpu" }
    : { device: "wasm", threads: choice.threads ?? navigator.hardwareConcurrency };
  const shape = { M: side, N: side, K: side };
  const time = await timeJax(device, shape);
  if (time !== undefined) {
    take(matmulRow(size, `jax-js, ${device.device}`, "f32", side, summarise([time.wall / 1000])));
  }
  if (!json) { for (const line of tableOf(rows)) print(line); }
}

/** Rows of the largest product that a device computes in a moment, as long as it has not been measured. */
async function ownSide({ device, ...choice }: EngineChoice): Promise<number> {
  const adapter = device === "gpu" || device === "auto" ? await webGpuAdapter(choice) : undefined;
  return adapter !== undefined && adapterKind(adapter) === "hardware" ? 4096 : 512;
}

async function* ownRows(engine: Engine, { size, batches, patches }: Work): AsyncGenerator<Row> {
  const { matmul } = await measureRates(engine);
  yield matmulRow(size, engine.name, "f32", matmul.size, summarise([matmul.seconds]));
  for (const batch of batches) {
    const { medianSeconds: seconds, quartiles, rounds, bytesPerSecond } = await timeSteps(engine, {
      size,
      batch,
      dropout: 0.1,
    });
    yield row(
      size,
      `train, batch ${batch}`,
      engine.name,
      "f32",
      { seconds, quartiles, rounds },
      bytesPerSecond,
    );
  }
  const { bytesPerSecond, preparationSeconds: _, ...samples } = await timeGeneration(
    engine,
    size,
    generationParameters(size),
    { sequences: 1, patchCount: patches },
  );
  yield row(size, `generate, ${patches} patches`, engine.name, "f32", samples, bytesPerSecond);
}

async function* torchRows(
  torch: Torch,
  { size, batches, patches }: Work,
  script: string,
  side: number,
): AsyncGenerator<Row> {
  const who = `torch ${torch.version}`;
  const modes = torchModes(torch);
  for await (const { mode, rounds } of runTorchMatmul(torch, side, modes)) {
    yield matmulRow(size, who, mode, side, summarise(rounds));
  }
  if (size === "medium") {
    return note("PyTorch's model is not measured: its size medium has 8+2 layers, not 8+3");
  }
  for await (const { mode, batch, ...result } of runTorch(torch, { script, size, modes, batches, patches })) {
    if (result.error !== undefined) note(`PyTorch, ${mode}, batch ${batch}: ${result.error}`);
    if (result.bytes_per_s !== undefined) {
      const samples = summarise([result.step_ms! / 1000]);
      const name = `train, batch ${batch}`;
      yield { ...row(size, name, who, mode, samples, result.bytes_per_s), peakGib: result.peak_gib };
    }
    if (result.generate_bytes_per_s !== undefined) {
      const samples = summarise([patches * benchSizes[size].config.patchSize / result.generate_bytes_per_s]);
      yield row(size, `generate, ${patches} patches`, who, mode, samples, result.generate_bytes_per_s);
    }
  }
}

function row(
  size: SizeName,
  name: string,
  who: string,
  precision: string,
  samples: Samples,
  bytesPerSecond: number,
): Row {
  return { bench: "peers", size, name, who, precision, ...samples, perSecond: bytesPerSecond, unit: "B" };
}

function matmulRow(size: SizeName, who: string, precision: string, side: number, samples: Samples): Row {
  const perSecond = 2 * side ** 3 / samples.seconds;
  return {
    ...{ bench: "peers", size, name: `product ${side} x ${side} x ${side}`, who, precision, side },
    ...samples,
    perSecond,
    unit: "FLOP",
  };
}

/** By what is done; ours stands first, and the others say how many times as fast it is. */
function tableOf(rows: readonly Row[]): string[] {
  return alignedLines(
    [...Map.groupBy(rows, ({ name }) => name).values()].flatMap((group) =>
      group.map(({ name, who, precision, perSecond, unit }, index) => [
        index === 0 ? name : "",
        `${who}, ${precision}`,
        formatRate(perSecond, unit),
        index === 0 || group[0]!.who.includes(" ")
          ? ""
          : `here ${(group[0]!.perSecond / perSecond).toFixed(2)} x`,
      ])
    ),
    ["left", "left", "right", "right"],
  );
}

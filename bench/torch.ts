/**
 * The peer: PyTorch, with the published model (`../shared/bench/torch_bgpt.py`), on CUDA where there is a GPU.
 *
 * On the processor it takes Debian's python3-torch with OpenBLAS's OpenMP build: without it PyTorch there falls back to a
 * reference BLAS that is fourteen times slower, which would be no comparison.
 */
import type { SizeName } from "./sizes.ts";

/** A Python that has PyTorch. */
export interface Torch {
  readonly python: string;
  readonly version: string;
  /** Whether PyTorch computes on a GPU. */
  readonly cuda: boolean;
}

/** Where the program is in a checkout that stands beside `shared`. */
export const defaultPeer = `${import.meta.dirname}/../../shared/bench/torch_bgpt.py`;

/** The first Python that has PyTorch; undefined where none has. */
export async function findTorch(): Promise<Torch | undefined> {
  const probe = "import json, torch; print(json.dumps([torch.__version__, torch.cuda.is_available()]))";
  for (const python of ["python3", "/usr/bin/python3"]) {
    try {
      const { success, stdout } = await new Deno.Command(python, { args: ["-c", probe], stderr: "null" })
        .output();
      if (!success) continue;
      const [version, cuda] = JSON.parse(new TextDecoder().decode(stdout));
      return { python, version, cuda };
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return undefined;
}

/** The modes that PyTorch has on a device, the slowest first. */
export function torchModes({ cuda }: Torch): string[] {
  return cuda ? ["fp32", "tf32", "fp16", "bf16"] : ["fp32"];
}

/** What the peer is asked for. */
export interface TorchRequest {
  /** The program. */
  readonly script: string;
  readonly size: SizeName;
  readonly modes: readonly string[];
  readonly batches: readonly number[];
  /** Patches that are generated behind a quarter of the patch length, without a cache as published. */
  readonly patches: number;
  /** Of the processor; PyTorch's own choice where not given. */
  readonly threads?: number;
}

/** A line of the program. */
export interface TorchRow {
  readonly mode: string;
  readonly batch: number;
  /** Median of a training step; absent where memory ran out. */
  readonly step_ms?: number;
  readonly bytes_per_s?: number;
  /** Of the first batch of each mode. */
  readonly generate_bytes_per_s?: number;
  readonly peak_gib?: number;
  readonly error?: string;
}

/** Trains and generates in PyTorch, a row for each mode and batch as it comes. */
export async function* runTorch(torch: Torch, request: TorchRequest): AsyncGenerator<TorchRow> {
  const { script, size, modes, batches, patches, threads } = request;
  const args = [script, "--size", size, "--device", torch.cuda ? "cuda" : "cpu"];
  args.push("--modes", modes.join(","), "--batches", batches.join(","), "--generate", String(patches));
  if (threads !== undefined) args.push("--threads", String(threads));
  yield* jsonLines(torch, args, threads) as AsyncGenerator<TorchRow>;
}

/** Rounds of one square matrix product in PyTorch, in seconds, by mode. */
export async function* runTorchMatmul(
  torch: Torch,
  size: number,
  modes: readonly string[],
): AsyncGenerator<{ readonly mode: string; readonly rounds: readonly number[] }> {
  const args = [`${import.meta.dirname}/torch_matmul.py`, String(size), modes.join(",")];
  yield* jsonLines(torch, args) as AsyncGenerator<{ mode: string; rounds: number[] }>;
}

/** Every line that a Python program prints, as soon as it does. */
async function* jsonLines(
  { python, cuda }: Torch,
  args: readonly string[],
  threads?: number,
): AsyncGenerator<unknown> {
  const env = cuda ? {} : {
    LD_LIBRARY_PATH: `/usr/lib/${Deno.build.arch}-linux-gnu/openblas-openmp`,
    ...(threads !== undefined && { OMP_NUM_THREADS: String(threads) }),
  };
  const command = new Deno.Command(python, { args: [...args], env, stdout: "piped", stderr: "piped" });
  const child = command.spawn();
  const complaint = new Response(child.stderr).text();
  let rest = "";
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    for (const line of lines) yield JSON.parse(line);
  }
  const { success, code } = await child.status;
  if (!success) {
    const last = (await complaint).trim().split("\n").at(-1);
    throw new Error(`Cannot run "${args[0]}": ${python} ended with ${code}: ${last}`);
  }
}

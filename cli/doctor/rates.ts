/**
 * How fast an engine is: arithmetic, memory, and the cost of reading a number back.
 * @module
 */
import {
  type Engine,
  GpuEngine,
  matmul,
  type MatmulShape,
  PlanBuilder,
  randomUniform,
  type Tensor,
} from "@bgpt/kernels";
import { timeProgram } from "./time_program.ts";

/** A measured product of two square matrices. */
export interface MatmulRate {
  /** Rows and columns of both. */
  readonly size: number;
  readonly seconds: number;
  readonly flopsPerSecond: number;
}

/** A measured copy on the device. */
export interface CopyRate {
  readonly bytes: number;
  /** Bytes read and bytes written, together. */
  readonly bytesPerSecond: number;
}

/** Everything that was measured. */
export interface Rates {
  readonly engine: string;
  readonly matmul: MatmulRate;
  /** Absent where there is no device memory. */
  readonly copy?: CopyRate;
  /** From asking for 4 bytes to having them, with nothing to wait for. */
  readonly readBackSeconds?: number;
}

const smallestSize = 256;
const largestSize = 4096;
/** A product that would take longer than this is not tried. */
const longestProductSeconds = 0.4;
/** Far beyond any cache of a GPU; a software adapter needs the machine's memory for others, too. */
const copiedBytes = { hardware: 512 * 2 ** 20, software: 64 * 2 ** 20 } as const;

/** Measures an engine in about three seconds, whatever its speed. */
export async function measureRates(engine: Engine): Promise<Rates> {
  const rate = await measureMatmul(engine);
  if (!(engine instanceof GpuEngine)) return { engine: engine.name, matmul: rate };
  return {
    engine: engine.name,
    matmul: rate,
    copy: await measureCopy(engine.gpu.device, copiedBytes[engine.gpu.kind]),
    readBackSeconds: await measureReadBack(engine),
  };
}

/** Doubles the size until the next product would take too long; small ones leave a GPU idle. */
async function measureMatmul(engine: Engine): Promise<MatmulRate> {
  for (let size = smallestSize;; size *= 2) {
    const shape: MatmulShape = { layout: "NN", M: size, N: size, K: size, epilogue: "none" };
    const plan = new PlanBuilder();
    plan.program("product");
    // Parameters are f16 in mixed precision where a product reads them, outputs never.
    const [a, b] = ["a", "b"].map((name) => plan.tensor(name, [size, size], "parameter")) as [Tensor, Tensor];
    plan.call(matmul, shape, { a, b, out: plan.tensor("out", [size, size], "output") }, "product");
    const flag = plan.tensor("flag", [1], "output");
    const execution = await engine.prepare(plan.build());
    for (const operand of [a, b]) execution.write(operand, scattered(size * size));
    const { bestSeconds: seconds } = await timeProgram(execution, "product", flag);
    execution.destroy();
    if (size === largestSize || seconds * 8 > longestProductSeconds) {
      return { size, seconds, flopsPerSecond: matmul.cost(shape).flops / seconds };
    }
  }
}

/**
 * Numbers between -1 and 1, a block of random ones over and over: multiplying zeros draws so little power that a GPU runs
 * at a clock that no training sees.
 */
function scattered(length: number): Float32Array {
  const values = new Float32Array(length);
  const block = Math.min(length, 65536);
  for (let i = 0; i < block; i++) values[i] = 2 * randomUniform(i, 0, 0) - 1;
  for (let filled = block; filled < length; filled *= 2) values.copyWithin(filled, 0, filled);
  return values;
}

async function measureCopy(device: GPUDevice, wantedBytes: number): Promise<CopyRate> {
  const bytes = Math.min(wantedBytes, device.limits.maxBufferSize);
  const usage = GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
  const [from, to] = ["copy from", "copy to"].map((label) =>
    device.createBuffer({ label, size: bytes, usage })
  );
  const seconds = async (copies: number): Promise<number> => {
    const start = performance.now();
    const encoder = device.createCommandEncoder();
    for (let i = 0; i < copies; i++) encoder.copyBufferToBuffer(from!, 0, to!, 0, bytes);
    device.queue.submit([encoder.finish()]);
    await device.queue.onSubmittedWorkDone();
    return (performance.now() - start) / 1000;
  };
  await seconds(1); // touches the memory for the first time
  const waiting = Math.min(await seconds(0), await seconds(0));
  let copies = 4;
  let taken = await seconds(copies) - waiting;
  while (taken < 0.1 && copies < 1024) taken = await seconds(copies *= 4) - waiting;
  from!.destroy();
  to!.destroy();
  return { bytes, bytesPerSecond: 2 * bytes * copies / Math.max(taken, 1e-9) };
}

/** The median of five. */
async function measureReadBack(engine: Engine): Promise<number> {
  const plan = new PlanBuilder();
  const flag = plan.tensor("flag", [1], "output");
  const execution = await engine.prepare(plan.build());
  const times: number[] = [];
  for (let i = 0; i < 5; i++) {
    const start = performance.now();
    await execution.readFloats(flag);
    times.push((performance.now() - start) / 1000);
  }
  execution.destroy();
  return times.sort((a, b) => a - b)[2]!;
}

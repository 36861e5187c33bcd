/** Times compute passes by the GPU's own clock, where the device has timestamp queries. */
import { type Engine, type Execution, GpuEngine } from "@bgpt/kernels";

/** Passes between two readings; each takes two queries. */
const maxPasses = 1024;

/**
 * Gives every pass of a device a timestamp at its begin and its end while it is measuring.
 *
 * A read-back takes Deno 10 ms or more, whatever it waits for; the GPU's clock knows nothing of it.
 */
export class PassTimer {
  readonly #device: GPUDevice;
  readonly #querySet: GPUQuerySet;
  #passes: number | undefined;

  private constructor(device: GPUDevice) {
    this.#device = device;
    this.#querySet = device.createQuerySet({ type: "timestamp", count: 2 * maxPasses });
    const createEncoder = device.createCommandEncoder.bind(device);
    device.createCommandEncoder = (descriptor) => {
      const encoder = createEncoder(descriptor);
      const beginPass = encoder.beginComputePass.bind(encoder);
      encoder.beginComputePass = (pass) => {
        if (this.#passes === undefined) return beginPass(pass);
        const first = 2 * this.#passes++;
        const writes = { beginningOfPassWriteIndex: first, endOfPassWriteIndex: first + 1 };
        return beginPass({ ...pass, timestampWrites: { querySet: this.#querySet, ...writes } });
      };
      return encoder;
    };
  }

  /** The timer of an engine's device; undefined where it has no timestamps. */
  static of(engine: Engine): PassTimer | undefined {
    if (!(engine instanceof GpuEngine) || !engine.gpu.device.features.has("timestamp-query")) {
      return undefined;
    }
    let timer = timers.get(engine.gpu.device);
    if (timer === undefined) timers.set(engine.gpu.device, timer = new PassTimer(engine.gpu.device));
    return timer;
  }

  /** Seconds from the begin to the end of each pass that `run` encodes and submits, at most 1,024 of them. */
  async measure(run: () => void): Promise<number[]> {
    this.#passes = 0;
    run();
    const count = this.#passes;
    this.#passes = undefined;
    const ticks = await this.#read(2 * count); // nanoseconds
    return Array.from({ length: count }, (_, i) => Number(ticks[2 * i + 1]! - ticks[2 * i]!) / 1e9);
  }

  async #read(count: number): Promise<BigUint64Array> {
    const device = this.#device;
    const size = 8 * count;
    const { COPY_DST, COPY_SRC, MAP_READ, QUERY_RESOLVE } = GPUBufferUsage;
    const resolved = device.createBuffer({ size, usage: QUERY_RESOLVE | COPY_SRC });
    const staging = device.createBuffer({ size, usage: COPY_DST | MAP_READ });
    const encoder = device.createCommandEncoder();
    encoder.resolveQuerySet(this.#querySet, 0, count, resolved, 0);
    encoder.copyBufferToBuffer(resolved, 0, staging, 0, size);
    device.queue.submit([encoder.finish()]);
    await staging.mapAsync(GPUMapMode.READ);
    const ticks = new BigUint64Array(staging.getMappedRange().slice(0));
    resolved.destroy();
    staging.destroy();
    return ticks;
  }
}

const timers = new WeakMap<GPUDevice, PassTimer>();

/** A round runs the program as often as takes this long, so that the begin and end of a pass do not matter. */
const roundSeconds = 0.02;
const maxRunsPerRound = 4096;

/** The rounds of one program, a pass each: seconds of one run. */
export async function timePasses(
  timer: PassTimer,
  execution: Execution,
  program: string,
  rounds = 7,
): Promise<number[]> {
  const pass = (runs: number) => () => execution.run(...Array<string>(runs).fill(program));
  await timer.measure(pass(1)); // the driver compiles
  const [once] = await timer.measure(pass(1));
  // A first guess from one short run is too long by what a pass takes to begin.
  const some = Math.min(16, Math.ceil(roundSeconds / Math.max(once!, 1e-6)));
  const [several] = await timer.measure(pass(some));
  const runs = Math.min(maxRunsPerRound, Math.ceil(roundSeconds * some / Math.max(several!, 1e-6)));
  const count = once! > 0.25 ? 3 : rounds;
  const seconds = await timer.measure(() => {
    for (let round = 0; round < count; round++) pass(runs)();
  });
  return seconds.map((each) => each / runs);
}

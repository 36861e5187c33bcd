/** Whether a buffer of some size can be had. */
export interface AllocationReport {
  readonly bytes: number;
  readonly outcome: "allocated" | "refused" | "beyond the limit" | "not tried";
  /** The driver's words, where it refused; why, where it was not tried. */
  readonly reason?: string;
}

const mebibyte = 2 ** 20;

/** Just above a small BAR heap of 246 MiB, and near the 4 GiB that a buffer can have. */
const probedSizes = [300 * mebibyte, 3584 * mebibyte];

/**
 * Allocates a medium and a large buffer and gives them back.
 *
 * Deno's WebGPU refuses a buffer where any heap of the GPU, however small, would be filled to 97 %; on a GPU with a small
 * BAR heap that is every buffer beyond 246 MiB (denoland/deno#35195).
 *
 * @param availableBytes memory that may be taken; on a software adapter it is the machine's own
 */
export async function probeAllocations(
  device: GPUDevice,
  availableBytes: number = Infinity,
): Promise<AllocationReport[]> {
  const reports: AllocationReport[] = [];
  for (const bytes of probedSizes) reports.push(await probeAllocation(device, bytes, availableBytes));
  return reports;
}

async function probeAllocation(
  device: GPUDevice,
  bytes: number,
  availableBytes: number,
): Promise<AllocationReport> {
  if (bytes > device.limits.maxBufferSize) {
    const reason = `maxBufferSize is ${device.limits.maxBufferSize} bytes`;
    return { bytes, outcome: "beyond the limit", reason };
  }
  if (2 * bytes > availableBytes) {
    return { bytes, outcome: "not tried", reason: `${availableBytes} bytes of memory are free` };
  }
  device.pushErrorScope("out-of-memory");
  const buffer = device.createBuffer({ label: "probe", size: bytes, usage: GPUBufferUsage.STORAGE });
  const error = await device.popErrorScope();
  buffer.destroy();
  device.queue.submit([]); // lets go of the memory now
  return error === null
    ? { bytes, outcome: "allocated" }
    : { bytes, outcome: "refused", reason: error.message };
}

/**
 * Subgroups: threads of a workgroup that read each other's registers, without workgroup memory and without waiting.
 * @module
 */
import { wgsl } from "../../kernel.ts";

/** Subgroups of which thread t of a workgroup is lane t modulo `lanes`. */
export interface Subgroups {
  /** Lanes of every subgroup on the device, a power of two. */
  readonly lanes: number;
  /** WGSL extensions that a shader enables for them: Tint wants `subgroups`, naga 29 has them without and refuses it. */
  readonly extensions: readonly string[];
}

/** Threads of the probe: as many as reductions have at most. */
const threads = 256;

/**
 * The subgroups of a device; `undefined` where it has none, where their size differs from shader to shader (Intel, some
 * of AMD), and where they do not hold neighbouring threads in order. WGSL leaves that open, so the device is asked once:
 * every thread fetches its own number's partner over every distance that a reduction will.
 */
export async function findSubgroups(
  { info }: GPUAdapter,
  device: GPUDevice,
): Promise<Subgroups | undefined> {
  const { subgroupMinSize, subgroupMaxSize: lanes } = info;
  if (!device.features.has("subgroups") || subgroupMinSize !== lanes) return undefined;
  for (const extensions of [["subgroups"], []]) {
    const pipeline = await compileProbe(device, lanes, extensions);
    if (pipeline !== undefined) {
      return await allThreadsAgree(device, pipeline) ? { lanes, extensions } : undefined;
    }
  }
  return undefined;
}

/** What writes 1 for every thread that finds its partners; `undefined` where the device does not understand it. */
async function compileProbe(
  device: GPUDevice,
  lanes: number,
  extensions: readonly string[],
): Promise<GPUComputePipeline | undefined> {
  const distances = Array.from({ length: Math.log2(lanes) }, (_, level) => 2 ** level);
  const code = wgsl`
${extensions.map((name) => `enable ${name};`).join("\n")}
@group(0) @binding(0) var<storage, read_write> agrees: array<u32>;
@compute @workgroup_size(${threads})
fn main(@builtin(local_invocation_index) thread: u32, @builtin(subgroup_size) size: u32) {
  var found = size == ${lanes}u;
  ${distances.map((n) => `found &= subgroupShuffleXor(thread, ${n}u) == (thread ^ ${n}u);`).join("\n  ")}
  agrees[thread] = u32(found);
}`;
  device.pushErrorScope("validation");
  const label = "subgroups";
  const pipeline = device.createComputePipeline({
    label,
    layout: "auto",
    compute: { module: device.createShaderModule({ label, code }), entryPoint: "main" },
  });
  return await device.popErrorScope() === null ? pipeline : undefined;
}

async function allThreadsAgree(device: GPUDevice, pipeline: GPUComputePipeline): Promise<boolean> {
  const size = 4 * threads;
  const agrees = device.createBuffer({ size, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC });
  const staging = device.createBuffer({ size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(
    0,
    device.createBindGroup({
      layout: pipeline.getBindGroupLayout(0),
      entries: [{ binding: 0, resource: { buffer: agrees } }],
    }),
  );
  pass.dispatchWorkgroups(1);
  pass.end();
  encoder.copyBufferToBuffer(agrees, 0, staging, 0, size);
  device.queue.submit([encoder.finish()]);
  await staging.mapAsync(GPUMapMode.READ);
  const agreed = new Uint32Array(staging.getMappedRange()).every((flag) => flag === 1);
  agrees.destroy();
  staging.destroy();
  return agreed;
}

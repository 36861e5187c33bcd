/**
 * The program `bgpt` on a GPU that fails for real after some work: `failing_gpu.ts MARKER FAULT ARGUMENT…`. FAULT is
 * `refuse` (a call that WebGPU refuses, and tells of later) or `lose` (the device is gone). It fails where there is no file
 * MARKER yet, and makes it.
 */
import { main } from "../../cli/main.ts";

const [marker = "", fault, ...args] = Deno.args;
/** Submissions before the fault: a few steps. */
const goodSubmissions = 12;

if (!await Deno.stat(marker).then(() => true, () => false)) {
  await Deno.writeTextFile(marker, "");
  let device: GPUDevice | undefined;
  const { createBuffer } = GPUDevice.prototype;
  GPUDevice.prototype.createBuffer = function (descriptor) {
    device = this;
    return createBuffer.call(this, descriptor);
  };
  const { submit } = GPUQueue.prototype;
  let submissions = 0;
  GPUQueue.prototype.submit = function (buffers) {
    submit.call(this, buffers);
    if (++submissions !== goodSubmissions) return;
    if (fault === "lose") device!.destroy();
    // Memory that is mapped cannot be storage, too.
    else device!.createBuffer({ size: 16, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.STORAGE });
  };
}
Deno.exit(await main(args));

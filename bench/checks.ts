/**
 * What is asked of a GPU first: which adapter it is, its subgroups, whether it gives large buffers, the matrix units that
 * Dawn offers on it, and what loops in shaders cost.
 *
 *     deno task bench checks [--webgpu native|dawn] [--json]
 */
import { GpuEngine } from "@bgpt/kernels";
import { probeAllocations } from "../cli/doctor/allocation_probe.ts";
import { openEngine } from "../cli/engine.ts";
import { webGpuAdapter, webGpuOptions } from "../cli/webgpu_provider.ts";
import { jsonOption } from "../cli/options.ts";
import { parseCommandLine } from "../cli/parse.ts";
import { formatBytes, formatRate } from "../cli/units.ts";
import { dawnMatrices } from "./dawn_matrices.ts";
import { measureLoopCost } from "./loop_cost.ts";
import type { Print } from "./records.ts";

/** Runs the checks. */
export async function benchChecks(args: readonly string[], print: Print): Promise<void> {
  const { json, ...choice } = parseCommandLine(args, { ...webGpuOptions, json: jsonOption }, {});
  const report = (name: string, value: unknown, line: string) =>
    print(json ? JSON.stringify({ bench: "checks", name, value }) : `${name.padEnd(20)} ${line}`);

  const adapter = await webGpuAdapter(choice);
  const engine = await openEngine({ device: "gpu", ...choice });
  if (adapter === undefined || !(engine instanceof GpuEngine)) throw new Error("No GPU was opened");
  const { device, kind } = engine.gpu;
  report("adapter", { description: engine.description, kind }, `${engine.description} (${kind})`);
  const { subgroupMinSize, subgroupMaxSize } = adapter.info as GPUAdapterInfo & Record<string, unknown>;
  report("subgroup size", { subgroupMinSize, subgroupMaxSize }, `${subgroupMinSize} to ${subgroupMaxSize}`);
  const features = [...device.features].toSorted();
  report("features", features, features.join(", "));

  const software = kind === "software";
  for (
    const each of await probeAllocations(device, software ? Deno.systemMemoryInfo().available : undefined)
  ) {
    const { bytes, outcome, reason } = each;
    report(`buffer of ${formatBytes(bytes)}`, each, reason === undefined ? outcome : `${outcome}: ${reason}`);
  }
  const matrices = await dawnMatrices();
  report(
    "matrices by Dawn",
    matrices,
    "missing" in matrices
      ? matrices.missing
      : matrices.configurations.join("; ") || `none on ${matrices.adapter}`,
  );

  const cost = await measureLoopCost(engine, software ? 256 : 4096);
  const { side, loopedFlopsPerSecond: loop, unrolledFlopsPerSecond: flat } = cost;
  report(
    "loops in shaders",
    cost,
    `product ${side} x ${side} x ${side}: looped ${formatRate(loop, "FLOP")}, unrolled ${
      formatRate(flat, "FLOP")
    }, ` +
      `${(flat / loop).toFixed(2)} x`,
  );
  const { clockRatio } = cost;
  report(
    "clock of the GPU",
    clockRatio ?? null,
    clockRatio === undefined ? "none" : `${clockRatio.toFixed(2)} of the wall's`,
  );
  engine.destroy();
}

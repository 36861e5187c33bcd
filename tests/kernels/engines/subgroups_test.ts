import { assertEquals } from "@std/assert";
import { findSubgroups } from "../../../kernels/engines/gpu/subgroups.ts";
import { gpuTest } from "../../gpu.ts";

/** An adapter of which nothing is known but its subgroups. */
function adapterOf(subgroupMinSize: number, subgroupMaxSize: number): GPUAdapter {
  return { info: { subgroupMinSize, subgroupMaxSize } } as GPUAdapter;
}

gpuTest(
  "subgroups are used only where the device confirms what the adapter says of them",
  async ({ gpu }) => {
    const { device, subgroups } = gpu;
    const lanes = subgroups?.lanes ?? 8;
    assertEquals(await findSubgroups(adapterOf(lanes, lanes), device), subgroups);
    for (const wrong of [0, 1, lanes / 2, 2 * lanes]) {
      assertEquals(await findSubgroups(adapterOf(wrong, wrong), device), undefined);
    }
    assertEquals(await findSubgroups(adapterOf(lanes / 2, lanes), device), undefined);
    assertEquals(gpu.failure(), undefined);
  },
);

import { assertEquals, assertNotEquals } from "@std/assert";
import { join } from "@std/path";
import { CpuEngine, GpuEngine, matmul, type Plan, PlanBuilder } from "@bgpt/kernels";
import { tuneFor } from "../../cli/tuning.ts";
import { gpuTest } from "../gpu.ts";
import { inTempFolder, namesIn } from "./temp_folder.ts";

/** A plan with one product. */
function productPlan(N: number): Plan {
  const builder = new PlanBuilder();
  builder.program("run");
  const [M, K] = [64, 32];
  const [a, b] = [builder.tensor("a", [M, K], "input"), builder.tensor("b", [K, N], "input")];
  const out = builder.tensor("out", [M, N], "output");
  builder.call(matmul, { layout: "NN", M, N, K, epilogue: "none" }, { a, b, out }, "product");
  return builder.build();
}

gpuTest(
  "what was found to be the fastest is kept for the next run, beside what others found",
  ({ gpu }) =>
    inTempFolder(async (folder) => {
      const cache = join(folder, "tuning");
      const first = new GpuEngine(gpu);
      await tuneFor(first, productPlan(64), true, cache);
      assertEquals(first.tuning.size, 1);
      const [name] = namesIn(cache);
      assertEquals(namesIn(cache), [name]);
      const kept = JSON.parse(Deno.readTextFileSync(join(cache, name!)));
      assertEquals(kept, Object.fromEntries(first.tuning));

      // Only by the cache can a variant be taken that was never measured.
      const [key] = Object.keys(kept);
      Deno.writeTextFileSync(join(cache, name!), JSON.stringify({ [key!]: "of the cache" }));
      const second = new GpuEngine(gpu);
      await tuneFor(second, productPlan(64), true, cache);
      assertEquals(second.tuning.get(key!), "of the cache");
      await tuneFor(second, productPlan(68), true, cache);
      const both = JSON.parse(Deno.readTextFileSync(join(cache, name!)));
      assertEquals([Object.keys(both).length, both[key!]], [2, "of the cache"]);

      Deno.writeTextFileSync(join(cache, name!), `{"${key}": 3, "cut`);
      const third = new GpuEngine(gpu);
      await tuneFor(third, productPlan(64), true, cache);
      assertNotEquals(third.tuning.get(key!), undefined);
      assertEquals(JSON.parse(Deno.readTextFileSync(join(cache, name!))), Object.fromEntries(third.tuning));
    }),
);

gpuTest(
  "software Vulkan is tuned only when asked for, other engines never",
  ({ gpu }) =>
    inTempFolder(async (cache) => {
      const software = new GpuEngine({ ...gpu, kind: "software" });
      await tuneFor(software, productPlan(64), undefined, cache);
      assertEquals(software.tuning.size, 0);
      const hardware = new GpuEngine({ ...gpu, kind: "hardware" });
      await tuneFor(hardware, productPlan(64), false, cache);
      assertEquals(hardware.tuning.size, 0);
      await tuneFor(hardware, productPlan(64), undefined, cache);
      assertEquals(hardware.tuning.size, 1);
      const cpu = await CpuEngine.create({ threads: 1 });
      await tuneFor(cpu, productPlan(64), true, cache);
      cpu.destroy();
    }),
);

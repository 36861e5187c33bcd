import { generationPlan, initialParameters, parameterTable, presets } from "@bgpt/core";
import { CpuEngine, encodeSampling } from "@bgpt/kernels";
const size = (Deno.args[0] ?? "small") as "small";
const threads = Number(Deno.args[1] ?? 1);
const L = Number(Deno.args[2] ?? 128);
const config = presets[size];
const engine = await CpuEngine.create({ threads });
const g = generationPlan(config, 1, L);
const plan = { ...g.plan, programs: new Map(g.plan.programs) };
for (const p of ["patch", "byte"]) {
  for (const c of g.plan.programs.get(p)!) plan.programs.set(p + "/" + c.label, [c]);
}
(plan.programs as any).set("nothing", []);
const e = await engine.prepare(plan);
e.write(g.model.parameters, initialParameters(parameterTable(config), 0));
e.run("pack"); e.write(g.patches, new Uint32Array(g.patches.length).map((_, i) => (i * 37) % 256));
e.write(g.fileStart, new Uint32Array(L));
const state = () => e.write(g.sequences, Uint32Array.of(Math.floor(L * 0.6), 8, 0, 0));
e.write(
  g.sampling,
  encodeSampling({ topK: 0, topP: 1, temperature: 1, greedy: false, seed: 0, ignoreEnd: true }),
);
state();
if (plan.programs.has("patches")) e.run("patches");
async function time(p: string, n: number) {
  let best = Infinity;
  for (let k = 0; k < 7; k++) {
    state();
    await e.readIntegers(g.sequences);
    const t = performance.now();
    e.run(...Array(n).fill(p));
    await e.readIntegers(g.sequences);
    const t1 = performance.now() - t;
    const u = performance.now();
    e.run(p);
    await e.readIntegers(g.sequences);
    best = Math.min(best, (t1 - (performance.now() - u)) / (n - 1));
  }
  return best * 1000;
}
const us = (x: number) => x.toFixed(1).padStart(8);
for (const p of ["patch", "byte", "append"]) {
  console.log(
    p.padEnd(40),
    us(await time(p, p === "patch" ? 40 : 200)),
    "us",
    g.plan.programs.get(p)!.flatMap((c) => c.kernel.assembly(c.shape)).length,
    "stages",
  );
}
if (Deno.args[3] !== "short") {
  const groups = new Map<string, [number, number, string]>();
  for (const name of plan.programs.keys()) {
    if (!name.includes("/")) continue;
    const t = await time(name, 100);
    const c = plan.programs.get(name)![0]!;
    const { stream: _, ...s } = c.shape as any;
    const key = name.split("/")[0] + " " + c.kernel.name + JSON.stringify(s);
    const x = groups.get(key);
    if (x) {
      x[0]++;
      x[1] += t;
    } else groups.set(key, [1, t, key]);
  }
  for (const [k, [n, t]] of groups) console.log(k.padEnd(110), String(n).padStart(3), us(t / n), us(t));
}
engine.destroy();

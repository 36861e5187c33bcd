import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { evaluationPlan, presets, trainingPlan } from "@bgpt/core";
import { type Execution, planMemory, ReferenceEngine, type Tensor } from "@bgpt/kernels";
import type { DoctorReport } from "../../../cli/doctor/examination.ts";
import { reportPlan } from "../../../cli/doctor/memory_report.ts";
import { type PlanReport, reportTrainingStep } from "../../../cli/doctor/plan_report.ts";
import { type Findings, knownProblems } from "../../../cli/doctor/problems.ts";
import { runSmokeKernels } from "../../../cli/doctor/smoke_kernels.ts";
import { gpuTest } from "../../gpu.ts";
import { bgpt } from "../bgpt.ts";

/** No Vulkan driver can be found, and OpenGL is not asked. */
const withoutAdapter = {
  DENO_WEBGPU_BACKEND: "vulkan",
  VK_DRIVER_FILES: "/nonexistent",
  VK_ICD_FILENAMES: "/nonexistent",
};

Deno.test("doctor works without an adapter, says so and ends with exit code 0", async () => {
  const { code, stdout, stderr } = await bgpt(["doctor"], withoutAdapter);
  assertEquals([code, stderr], [0, ""]);
  assertStringIncludes(stdout, "none: WebGPU has nothing to compute on here");
  assertMatch(
    stdout,
    /Engine cpu: WebAssembly.*\n {2}matmul [^]* agrees\n[^]* {2}matrix product .* [MG]FLOP\/s\n/,
  );
  assertStringIncludes(stdout, "! WebGPU found no adapter");
  assert(!stdout.includes("\x1b"), "piped output has escape codes");

  const json = await bgpt(["doctor", "--json", "--preset", "small"], withoutAdapter);
  const report = JSON.parse(json.stdout) as DoctorReport;
  assertEquals([report.adapter, report.engines.map(({ rates }) => rates.engine)], [null, ["cpu"]]);
  assertEquals(report.memory.map(({ preset, purpose }) => `${preset} ${purpose}`), [
    "small training",
    "small evaluation",
  ]);
  assert(report.engines[0]!.rates.matmul.flopsPerSecond > 0);
});

gpuTest("doctor measures the adapter and finds that its kernels agree with their references", async () => {
  const { code, stdout, stderr } = await bgpt(["doctor", "--json", "--preset", "tiny"]);
  assertEquals([code, stderr], [0, ""]);
  assertEquals(stdout.trimEnd().split("\n").length, 1);
  const report = JSON.parse(stdout) as DoctorReport;
  assert(report.adapter !== null);
  assertEquals(report.engines.length, 2);
  for (const { smoke } of report.engines) {
    assertEquals(smoke.map(({ kernel, agrees }) => [kernel, agrees]), [
      ["matmul", true],
      ["layerNorm", true],
      ["attention", true],
      ["crossEntropy", true],
    ]);
  }
  assertEquals(report.allocations.map(({ bytes }) => bytes), [300 * 2 ** 20, 3584 * 2 ** 20]);
  const { rates } = report.engines[0]!;
  assertEquals(rates.engine, "gpu");
  assert(rates.matmul.flopsPerSecond > 0 && rates.copy!.bytesPerSecond > 0 && rates.readBackSeconds! > 0);
  assert(report.memory.every(({ fit }) => fit!.largestBatch > 0));
});

Deno.test("doctor --plan lists every kernel call of a training step, and its totals are their sums", async () => {
  const outcome = await bgpt(["doctor", "--plan", "--batch", "2", "--json"]);
  assertEquals([outcome.code, outcome.stderr], [0, ""]);
  const report = JSON.parse(outcome.stdout) as PlanReport;
  assertEquals([report.preset, report.batch, report.patchCount, report.byteLength], ["tiny", 2, 128, 2048]);
  const { plan } = trainingPlan(presets.tiny, 128);
  assertEquals(
    report.calls.map(({ label }) => label),
    ["clear", "forward", "backward", "update"].flatMap((program) =>
      plan.programs.get(program)!.map(({ label }) => label)
    ),
  );
  const flops = report.calls.reduce((sum, call) => sum + call.flops, 0);
  for (const totals of [report.byProgram, report.byKernel, [report.total]]) {
    assertEquals(totals.reduce((sum, total) => sum + total.flops, 0), flops);
    assertEquals(totals.reduce((sum, total) => sum + total.calls, 0), report.calls.length);
  }

  const text = await bgpt(["doctor", "--plan", "--batch", "2"]);
  const calls = text.stdout.split("\n").filter((line) =>
    /^ {2}(clear|forward|backward|update) +[a-z]/.test(line)
  );
  assertEquals(calls.length, report.calls.length);
});

Deno.test("a training step of the published size takes about 169 MFLOP a byte, as the specification has it", () => {
  const { total, byteLength } = reportTrainingStep("base", 1);
  // 169 MFLOP a byte of the body; the first and the last patch of the file are computed, too.
  const flopsPerByte = total.flops / byteLength;
  assert(flopsPerByte > 160e6 && flopsPerByte < 175e6, `${flopsPerByte} FLOP a byte`);
});

Deno.test("the largest batch fits a capacity and one more does not", () => {
  for (const [purpose, planOf] of [["training", trainingPlan], ["evaluation", evaluationPlan]] as const) {
    const storageBytes = (batch: number) =>
      Math.max(...planOf(presets.tiny, batch * 64).plan.storages.map(({ length }) => length * 4));
    for (const batch of [1, 2, 7, 64]) {
      const capacity = { tensorBytes: storageBytes(batch), tensorLimit: "maxBufferSize" };
      const fit = reportPlan("tiny", purpose, 8, capacity).fit!;
      // Small batches are bounded by the parameters.
      const largest = storageBytes(batch + 1) > capacity.tensorBytes ? batch : fit.largestBatch;
      assertEquals(fit.largestBatch, largest);
      assert(storageBytes(fit.largestBatch + 1) > capacity.tensorBytes);
      assertEquals(fit.fits, largest >= 8);
      assertEquals(fit.limit, largest >= 8 ? undefined : "maxBufferSize");
    }
    const totalBytes = planMemory(planOf(presets.tiny, 5 * 64).plan).totalBytes;
    const capacity = { tensorBytes: 2 ** 40, tensorLimit: "maxBufferSize", totalBytes };
    assertEquals(reportPlan("tiny", purpose, 6, capacity).fit, {
      fits: false,
      limit: "memory",
      largestBatch: 5,
    });
  }
  const none = { tensorBytes: 1000, tensorLimit: "maxStorageBufferBindingSize" };
  assertEquals(reportPlan("base", "training", 1, none).fit!.largestBatch, 0);
});

/** The reference engine, with one wrong number in every result. */
class WrongEngine extends ReferenceEngine {
  override async prepare(...args: Parameters<ReferenceEngine["prepare"]>) {
    const execution = await super.prepare(...args);
    const readFloats: Execution["readFloats"] = execution.readFloats.bind(execution);
    execution.readFloats = async (tensor: Tensor) => {
      const values = await readFloats(tensor);
      values[values.length >> 1]! += 1e-3;
      return values;
    };
    return execution;
  }
}

Deno.test("a kernel that computes wrong is found out", async () => {
  const right = await runSmokeKernels(new ReferenceEngine());
  assert(right.every(({ agrees, largestError }) => agrees && largestError === 0));
  const wrong = await runSmokeKernels(new WrongEngine());
  assert(wrong.every(({ agrees, largestError }) => !agrees && Math.abs(largestError - 1e-3) < 1e-4));
});

const soundFindings: Findings = {
  linux: true,
  environment: { runtimeFolder: "/tmp" },
  drivers: ["nvidia_icd.json (Vulkan 1.4.303)"],
  adapter: {
    name: "NVIDIA H200",
    vendor: "NVIDIA (4318)",
    architecture: "not told",
    kind: "hardware",
    backend: "Vulkan",
    drivers: [],
    features: [{ name: "subgroups", granted: true, listed: true, use: "" }],
    limits: [],
  },
  smoke: [],
  rates: {
    engine: "gpu",
    matmul: { size: 4096, seconds: 0.01, flopsPerSecond: 1e13 },
    readBackSeconds: 1e-4,
  },
  allocations: [{ bytes: 300 * 2 ** 20, outcome: "allocated" }, {
    bytes: 2 ** 32,
    outcome: "beyond the limit",
  }],
};

function problemsWith(change: Partial<Findings>): string[] {
  return knownProblems({ ...soundFindings, ...change }).map(({ severity, what, advice, issue }) =>
    [severity, what, advice, issue ?? ""].join("; ")
  );
}

Deno.test("each known problem is told where it is met, and none on a sound machine", () => {
  assertEquals(problemsWith({}), []);
  const adapter = soundFindings.adapter!;
  const refused = { bytes: 300 * 2 ** 20, outcome: "refused", reason: "Not enough memory left" } as const;
  const cases: [Partial<Findings>, RegExp][] = [
    [{ environment: { backend: "gl", runtimeFolder: "/tmp" } }, /^problem; DENO_WEBGPU_BACKEND is "gl"/],
    [{ environment: {} }, /^note; XDG_RUNTIME_DIR/],
    [{ adapter: { ...adapter, kind: "software" } }, /^problem; The adapter is software/],
    [{ deviceError: "lost" }, /^problem; The adapter gives no device: lost; Update/],
    [{ deviceError: "Not enough memory left." }, /gives no device: Not enough memory left; .*97 %/],
    [{ allocations: [refused] }, /^problem; A buffer of 300 MiB is refused: .*denoland\/deno#35195/],
    [
      { rates: { ...soundFindings.rates, readBackSeconds: 0.0116 } },
      /^note; Reading anything back takes 11\.6 ms/,
    ],
    [
      { adapter: { ...adapter, features: [{ name: "subgroups", granted: true, listed: false, use: "" }] } },
      /^note; subgroups is granted.*gfx-rs\/wgpu#7813/,
    ],
    [
      { smoke: [{ kernel: "matmul", shape: {}, largestError: NaN, allowed: 1e-5, agrees: false }] },
      /^problem; Kernel matmul is wrong by NaN/,
    ],
  ];
  for (const [change, expected] of cases) {
    const problems = problemsWith(change);
    assertEquals(problems.length, 1, problems.join("\n"));
    assertMatch(problems[0]!, expected);
  }
  const { adapter: _, ...noAdapter } = soundFindings;
  assertMatch(knownProblems(noAdapter)[0]!.advice, /none started: nvidia_icd\.json/);
  assertMatch(knownProblems({ ...noAdapter, drivers: [] })[0]!.advice, /apt-get install/);
  const old = {
    drivers: ["lvp_icd.json (Vulkan 1.3.230)"],
    adapter: { ...adapter, kind: "software" },
  } as const;
  assertMatch(problemsWith(old).join("\n"), /old Mesa/);
});

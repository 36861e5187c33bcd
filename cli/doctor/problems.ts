/**
 * The known problems that were met, each with what to do.
 * @module
 */
import { formatBytes } from "../units.ts";
import type { AdapterReport } from "./adapter_report.ts";
import type { AllocationReport } from "./allocation_probe.ts";
import type { Rates } from "./rates.ts";
import type { SmokeResult } from "./smoke_kernels.ts";

/** A known problem. */
export interface Problem {
  /** A `note` needs nothing done. */
  readonly severity: "problem" | "note";
  readonly what: string;
  /** What to do, or why nothing. */
  readonly advice: string;
  /** Where it is followed. */
  readonly issue?: string;
}

/** The variables that decide how WebGPU starts, as they were before this program set them. */
export interface StartEnvironment {
  readonly backend?: string;
  readonly runtimeFolder?: string;
}

/** What was found out about the machine. */
export interface Findings {
  readonly linux: boolean;
  readonly environment: StartEnvironment;
  /** Vulkan drivers that are installed. */
  readonly drivers: readonly string[];
  readonly adapter?: AdapterReport;
  /** Why the adapter gave no device. */
  readonly deviceError?: string;
  readonly smoke: readonly SmokeResult[];
  readonly rates: Rates;
  readonly allocations: readonly AllocationReport[];
}

/** A read-back that takes longer than this has Deno's wait in it. */
const shortReadBackSeconds = 0.005;

/** All that apply, the worst first. */
export function knownProblems(findings: Findings): Problem[] {
  const problems = [
    ...adapterProblems(findings),
    ...findings.smoke.filter(({ agrees }) => !agrees).map(wrongResult),
    ...findings.allocations.filter(({ outcome }) => outcome === "refused").map(refusedAllocation),
    ...speedProblems(findings),
    ...environmentNotes(findings),
  ];
  return problems.sort((a, b) => Number(a.severity === "note") - Number(b.severity === "note"));
}

function adapterProblems({ adapter, deviceError, linux, drivers, environment }: Findings): Problem[] {
  const problems: Problem[] = [];
  const backend = environment.backend;
  if (linux && backend !== undefined && backend !== "vulkan") {
    problems.push({
      severity: "problem",
      what: `DENO_WEBGPU_BACKEND is "${backend}", so WebGPU does not go through Vulkan`,
      advice: "Unset it: OpenGL is slower, and has neither shader-f16 nor subgroups",
    });
  }
  if (adapter === undefined) {
    problems.push({
      severity: "problem",
      what: "WebGPU found no adapter",
      advice: adapterAdvice(linux, drivers),
    });
  } else if (deviceError !== undefined) {
    problems.push({
      severity: "problem",
      what: `The adapter gives no device: ${deviceError.replace(/\.$/, "")}`,
      advice: /memory/i.test(deviceError)
        // Mesa 25's lavapipe tells a budget, too: seen with 0.5 of 23.5 GiB free (2026-11-23).
        ? "Deno gives out nothing more when 97 % of the adapter's memory is in use, by whichever program: free some"
        : "Update its driver",
    });
  } else if (adapter.kind === "software") {
    problems.push({
      severity: "problem",
      what: "The adapter is software: it computes on the processor",
      advice:
        "It is used only when asked for, with --device gpu. On a machine with a GPU install its Vulkan driver",
    });
  }
  return problems;
}

function adapterAdvice(linux: boolean, drivers: readonly string[]): string {
  if (!linux) return "Update the system or the driver of its GPU";
  if (drivers.length > 0) {
    return `These drivers are installed, but none started: ${
      drivers.join(", ")
    }. In a container the GPU must be ` +
      "passed in, with its graphics capability (NVIDIA_DRIVER_CAPABILITIES=all)";
  }
  return "Install a Vulkan driver. NVIDIA's comes with its driver; for the others and for software Vulkan, on Debian and " +
    "Ubuntu: sudo apt-get install libvulkan1 mesa-vulkan-drivers; on Fedora: sudo dnf install vulkan-loader " +
    "mesa-vulkan-drivers; on Arch: sudo pacman -S vulkan-icd-loader vulkan-swrast";
}

function wrongResult({ kernel, largestError, allowed }: SmokeResult): Problem {
  return {
    severity: "problem",
    what: `Kernel ${kernel} is wrong by ${largestError.toExponential(1)}, at most ${
      allowed.toExponential(1)
    } is allowed`,
    advice:
      "Do not train on this adapter: update its driver, or report it to this project with bgpt doctor --json",
  };
}

function refusedAllocation({ bytes, reason }: AllocationReport): Problem {
  return {
    severity: "problem",
    what: `A buffer of ${formatBytes(bytes)} is refused: ${reason}`,
    advice:
      "If the GPU has that much free memory, it has a small BAR heap, which Deno takes for all there is: turn on " +
      "resizable BAR in the firmware, or run with DENO_WEBGPU_BACKEND=gl",
    issue: "denoland/deno#35195, gfx-rs/wgpu#9206 (fixed by gfx-rs/wgpu#9643)",
  };
}

function speedProblems({ adapter, drivers, rates }: Findings): Problem[] {
  const { readBackSeconds } = rates;
  const problems: Problem[] = [];
  const oldMesa = drivers.find((driver) => /^lvp_icd.*\(Vulkan 1\.[0-3]\./.test(driver));
  if (adapter?.kind === "software" && oldMesa !== undefined) {
    problems.push({
      severity: "problem",
      what: `The software Vulkan is of an old Mesa: ${oldMesa}`,
      // Products at 512³ on two cores: Mesa 22.3 0.5 GFLOP/s, 25.0 3.5, 26.2 11 (2026-11).
      advice:
        "One with Vulkan 1.4 is 6 to 20 times faster; Debian 12 has it in its backports (sudo apt-get " +
        "install -t bookworm-backports mesa-vulkan-drivers)",
    });
  }
  if (readBackSeconds !== undefined && readBackSeconds > shortReadBackSeconds) {
    problems.push({
      severity: "note",
      what: `Reading anything back takes ${
        (1000 * readBackSeconds).toFixed(1)
      } ms, as Deno waits 10 ms each time`,
      advice: "Nothing: metrics are read every few steps, and generation samples on the device",
    });
  }
  return problems;
}

function environmentNotes({ adapter, environment, linux }: Findings): Problem[] {
  const notes: Problem[] = [];
  const hidden = adapter?.features.filter(({ granted, listed }) => granted && !listed) ?? [];
  for (const { name } of hidden) {
    notes.push({
      severity: "note",
      what: `${name} is granted, though the adapter does not list it`,
      advice: "Nothing: every feature is asked for",
      issue: "gfx-rs/wgpu#7813",
    });
  }
  if (linux && environment.runtimeFolder === undefined) {
    notes.push({
      severity: "note",
      what: "XDG_RUNTIME_DIR is not set, of which Vulkan drivers complain",
      advice: "Nothing: bgpt sets it to /tmp for itself",
    });
  }
  return notes;
}

/**
 * The kernel calls of a training step, in their order, with what each costs when nothing is wasted.
 * @module
 */
import { type PresetName, presets, trainingPlan } from "@bgpt/core";
import type { Shape } from "@bgpt/kernels";
import { type MemoryReport, reportPlan } from "./memory_report.ts";

/** One kernel call. */
export interface CallReport {
  /** `clear`, `forward`, `backward` or `update`. */
  readonly program: string;
  readonly label: string;
  readonly kernel: string;
  readonly shape: Shape;
  readonly flops: number;
  readonly bytes: number;
}

/** The calls of a group together. */
export interface CallTotal {
  readonly name: string;
  readonly calls: number;
  readonly flops: number;
  readonly bytes: number;
}

/** A training step. */
export interface PlanReport {
  readonly preset: PresetName;
  readonly batch: number;
  readonly patchCount: number;
  /** Bytes of those patches. */
  readonly byteLength: number;
  readonly parameterCount: number;
  readonly memory: MemoryReport;
  readonly calls: readonly CallReport[];
  readonly byProgram: readonly CallTotal[];
  /** The most arithmetic first. */
  readonly byKernel: readonly CallTotal[];
  readonly total: CallTotal;
}

/**
 * The training step of a preset.
 * @param batch files of full length; the preset's when not given
 */
export function reportTrainingStep(preset: PresetName, batch: number = presets[preset].batch): PlanReport {
  const config = presets[preset];
  const patchCount = batch * config.patchLength;
  const { plan, model } = trainingPlan(config, patchCount);
  const calls = ["clear", "forward", "backward", "update"].flatMap((program) =>
    plan.programs.get(program)!.map(({ label, kernel, shape }): CallReport => ({
      program,
      label,
      kernel: kernel.name,
      shape,
      ...kernel.cost(shape),
    }))
  );
  return {
    preset,
    batch,
    patchCount,
    byteLength: patchCount * config.patchSize,
    parameterCount: model.table.parameterCount,
    memory: reportPlan(preset, "training", batch),
    calls,
    byProgram: totals(calls, ({ program }) => program),
    byKernel: totals(calls, ({ kernel }) => kernel).sort((a, b) => b.flops - a.flops || b.bytes - a.bytes),
    total: totals(calls, () => "step")[0]!,
  };
}

function totals(calls: readonly CallReport[], groupOf: (call: CallReport) => string): CallTotal[] {
  const groups = Map.groupBy(calls, groupOf);
  return [...groups].map(([name, members]) => ({
    name,
    calls: members.length,
    flops: members.reduce((sum, { flops }) => sum + flops, 0),
    bytes: members.reduce((sum, { bytes }) => sum + bytes, 0),
  }));
}

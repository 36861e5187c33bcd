import { type Checkpoint, classify, type EvaluationPart, samplesOnce, stripCapacity } from "@bgpt/core";
import type { Engine } from "@bgpt/kernels";
import { loadCheckpoint } from "@bgpt/core/files";
import { type ClassificationReport, ClassificationScore } from "@bgpt/tasks";
import { join } from "@std/path";
import { ProgressLine } from "./progress.ts";
import { classificationSections } from "./report/classification_sections.ts";
import type { ReportSection } from "./report/html_report.ts";

/** What all sources amount to, and each of them. */
export interface ClassEvaluation {
  readonly all: ClassificationReport;
  readonly parts: readonly { readonly name: string; readonly report: ClassificationReport }[];
}

/**
 * Scores a classifier on sources of labelled files, with a progress line.
 * @param batch files of full length computed at a time
 */
export async function evaluateClasses(
  engine: Engine,
  checkpoint: Checkpoint,
  sources: readonly EvaluationPart[],
  batch: number,
): Promise<ClassEvaluation> {
  const { model, labels = [] } = checkpoint;
  const all = new ClassificationScore(labels);
  const parts = [];
  const fileCount = sources.reduce((sum, { source }) => sum + source.count, 0);
  using progress = new ProgressLine("Classifying", fileCount, "files");
  let done = 0;
  for (const { name, source } of sources) {
    const score = new ClassificationScore(labels);
    const patchCapacity = stripCapacity(source, { ...model, batch: Math.min(batch, source.count) });
    for await (
      const { label, probabilities } of classify(
        engine,
        checkpoint,
        samplesOnce(source, model),
        patchCapacity,
      )
    ) {
      all.add(label!, probabilities);
      score.add(label!, probabilities);
      progress.update(++done);
    }
    parts.push({ name, report: score.report() });
  }
  return { all: all.report(), parts };
}

/** What a run's best checkpoint makes of its held-out files, for its report. */
export async function heldOutSections(
  engine: Engine,
  run: string,
  evaluation: readonly EvaluationPart[],
  batch: number,
): Promise<ReportSection[]> {
  const { checkpoint } = await loadCheckpoint(join(run, "checkpoints", "best"));
  const { all } = await evaluateClasses(engine, checkpoint, evaluation, batch);
  return classificationSections(all, `the held-out files at step ${checkpoint.run!.step}`);
}

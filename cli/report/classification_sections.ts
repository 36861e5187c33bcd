import type { ClassificationReport } from "@bgpt/tasks";
import type { ReportSection } from "./html_report.ts";
import { type Markup, markup } from "./markup.ts";

/**
 * A classifier's score as sections of a report: figures, confusion matrix, classes, calibration.
 * @param which the files that were scored: `the held-out files`
 */
export function classificationSections(report: ClassificationReport, which: string): ReportSection[] {
  const { files, accuracy, macroF1, majority, classes, calibration } = report;
  return [
    {
      title: "Classes",
      note:
        `The class of ${
          percent(accuracy)
        } of ${which} is found (of ${files}); always naming ${majority.label}, their most ` +
        `frequent class, would be ${percent(majority.accuracy)}. Mean F1 of the classes: ${
          macroF1.toFixed(4)
        }.`,
      table: {
        columns: ["class", "precision", "recall", "F1", "files"],
        rows: classes.map(({ label, precision, recall, f1, support }) => [
          label,
          percent(precision),
          percent(recall),
          f1.toFixed(4),
          support,
        ]),
      },
    },
    {
      title: "Confusion matrix",
      note: "Files by their own class (row) and the class that they were taken for (column).",
      html: confusionMatrix(report),
    },
    {
      title: "Calibration",
      note:
        `Of the files whose class has probability p, a share of p should be right. Expected calibration error: ${
          percent(calibration.error)
        }.`,
      plot: {
        title: "Share that is right against mean probability",
        xLabel: "mean probability of the most probable class",
        yLabel: "share that is right",
        series: [
          {
            name: "files",
            points: calibration.bins.filter(({ files }) => files > 0)
              .map(({ confidence, accuracy }) => [confidence, accuracy]),
          },
          { name: "calibrated", points: [[0, 0], [1, 1]], style: "dashed" },
        ],
      },
    },
  ];
}

/** A table whose cells are the darker the larger their share of the row. */
function confusionMatrix({ classes, confusion }: ClassificationReport): Markup {
  const headings = classes.map(({ label }, k) =>
    markup`<th scope="col" class="number" title="${label}">${k}</th>`
  );
  const rows = confusion.map((row, k) => {
    const support = Math.max(1, classes[k]!.support);
    const cells = row.map((count) =>
      markup`<td class="number" style="--share: ${(count / support).toFixed(3)}">${count}</td>`
    );
    return markup`<tr><th scope="row">${k} ${classes[k]!.label}</th>${cells}</tr>
`;
  });
  return markup`<div class="scroll"><table class="heat">
<thead><tr><th scope="col">is \\ taken for</th>${headings}</tr></thead>
<tbody>
${rows}</tbody>
</table></div>`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}

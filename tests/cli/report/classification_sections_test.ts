import { assertEquals, assertStringIncludes } from "@std/assert";
import { ClassificationScore } from "@bgpt/tasks";
import { classificationSections } from "../../../cli/report/classification_sections.ts";
import { htmlReport } from "../../../cli/report/html_report.ts";

/** A report of three files of two classes, one of them with a name that HTML must not read. */
function report(): string {
  const score = new ClassificationScore(["a<b>.txt", "c.txt"]);
  score.add(0, [0.9, 0.1]);
  score.add(0, [0.4, 0.6]);
  score.add(1, [0.2, 0.8]);
  const sections = classificationSections(score.report(), "the held-out files");
  return htmlReport({ title: "t", summary: "s", facts: [], sections, footer: "f" });
}

Deno.test("the confusion matrix shades each cell by its share of the row", () => {
  const html = report();
  const cells = [...html.matchAll(/--share: ([\d.]+)">(\d+)</g)].map(([, share, count]) => [share, count]);
  assertEquals(cells, [["0.500", "1"], ["0.500", "1"], ["0.000", "0"], ["1.000", "1"]]);
  assertStringIncludes(html, '<th scope="row">0 a&#60;b&#62;.txt</th>');
  assertEquals(html.includes("a<b>"), false);
});

Deno.test("the sections say what was scored, beside the majority class and the calibration error", () => {
  const html = report();
  assertStringIncludes(html, "The class of 66.67 % of the held-out files is found (of 3)");
  assertStringIncludes(html, "most frequent class, would be 66.67 %");
  // Files of mean probability 0.9, 0.6 and 0.8, of which the second is wrong.
  assertStringIncludes(html, "Expected calibration error: 30.00 %");
});

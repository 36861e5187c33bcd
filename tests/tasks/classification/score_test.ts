import { assertAlmostEquals, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { ClassificationScore, formatClassification } from "@bgpt/tasks";

const labels = ["cat.txt", "dog.txt", "owl.txt", "yak.txt"];

/** Six files: three cats, of which one is taken for a dog, two dogs and an owl taken for a cat. No yak. */
function score() {
  const score = new ClassificationScore(labels);
  score.add(0, [0.9, 0.1, 0, 0]);
  score.add(0, [0.7, 0.1, 0.1, 0.1]);
  score.add(0, [0.4, 0.6, 0, 0]);
  score.add(1, [0, 1, 0, 0]);
  score.add(1, [0.05, 0.95, 0, 0]);
  score.add(2, [0.5, 0.25, 0.25, 0]);
  return score.report();
}

Deno.test("accuracy, the confusion matrix and each class's figures are those counted by hand", () => {
  const report = score();
  assertEquals([report.files, report.accuracy], [6, 4 / 6]);
  assertEquals(report.confusion, [[2, 1, 0, 0], [0, 2, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]]);
  const [cat, dog, owl, yak] = report.classes;
  assertEquals(cat, { label: "cat.txt", precision: 2 / 3, recall: 2 / 3, f1: 2 / 3, support: 3 });
  assertEquals(dog, { label: "dog.txt", precision: 2 / 3, recall: 1, f1: 0.8, support: 2 });
  assertEquals(owl, { label: "owl.txt", precision: 0, recall: 0, f1: 0, support: 1 });
  assertEquals(yak, { label: "yak.txt", precision: 0, recall: 0, f1: 0, support: 0 });
  // The yak, which neither is there nor was named, is in no mean.
  assertAlmostEquals(report.macroF1, (2 / 3 + 0.8 + 0) / 3, 1e-12);
  assertEquals(report.majority, { label: "cat.txt", accuracy: 0.5 });
  const loss = -(Math.log(0.9) + Math.log(0.7) + Math.log(0.4) + Math.log(0.95) + Math.log(0.25)) / 6;
  assertAlmostEquals(report.lossNats, loss, 1e-12);
});

Deno.test("calibration compares the mean probability of each tenth with the share that is right", () => {
  const { error, bins } = score().calibration;
  assertEquals(bins.map(({ files }) => files), [0, 0, 0, 0, 0, 1, 1, 1, 0, 3]);
  assertEquals(bins.map(({ accuracy }) => accuracy), [0, 0, 0, 0, 0, 0, 0, 1, 0, 1]);
  assertEquals([bins[9]!.from, bins[9]!.to], [0.9, 1]);
  assertAlmostEquals(bins[9]!.confidence, (0.9 + 1 + 0.95) / 3, 1e-12);
  assertAlmostEquals(error, (0.5 + 0.6 + (1 - 0.7) + (3 - 2.85)) / 6, 1e-12);
});

Deno.test("a classifier that is sure and wrong has a finite loss", () => {
  const score = new ClassificationScore(["a", "b"]);
  score.add(1, [1, 0]);
  assertEquals(Number.isFinite(score.report().lossNats), true);
});

Deno.test("no file is no score", () => {
  assertThrows(
    () => new ClassificationScore(labels).report(),
    RangeError,
    "Cannot score a classifier on no file",
  );
});

Deno.test("the table has every figure, rounded down", () => {
  const text = formatClassification(score());
  assertStringIncludes(text, "accuracy            66.66 %\nmajority class      50.00 % (always cat.txt)\n");
  assertStringIncludes(text, "dog.txt    66.66 %  100.00 %  0.8000      2\n");
  assertStringIncludes(text, "is \\ taken for  0  1  2  3\n0 cat.txt       2  1  0  0\n");
  assertStringIncludes(text, "0.9 to 1.0       3  95.00 %  100.00 %");
  assertEquals(text.includes("0.8 to 0.9"), false);
});

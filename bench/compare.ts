/**
 * Two baselines beside each other: what became faster or slower beyond the noise.
 *
 *     deno task bench compare A B [--json]
 *
 * A and B are files of `bench save`, or the `--json` output of kernels, train, generate or peers. A ratio is A's time to
 * B's: above 1, B is faster. It is a change where the middle halves of the rounds do not meet and the medians lie 3 %
 * apart.
 */
import { alignedLines } from "../cli/doctor/text_table.ts";
import { jsonOption } from "../cli/options.ts";
import { parseCommandLine } from "../cli/parse.ts";
import { type BenchRecord, type Print, readRecords } from "./records.ts";
import type { Samples } from "./samples.ts";

/** Medians that lie closer than this are alike, however little their rounds differ. */
const leastChange = 0.03;

/** What became of one thing. */
export type Verdict = "faster" | "slower" | "alike";

/** How B stands to A. */
export function judge(a: Samples, b: Samples): { readonly ratio: number; readonly verdict: Verdict } {
  const ratio = a.seconds / b.seconds;
  const apart = a.quartiles[1] < b.quartiles[0] || b.quartiles[1] < a.quartiles[0];
  const large = Math.max(ratio, 1 / ratio) > 1 + leastChange;
  return { ratio, verdict: !apart || !large ? "alike" : ratio > 1 ? "faster" : "slower" };
}

/** Things that are compared have the same key. */
function keyOf({ bench, size, name, precision }: BenchRecord): string {
  return `${bench} ${size} ${precision}: ${name}`;
}

/** Compares two files. */
export async function benchCompare(args: readonly string[], print: Print): Promise<void> {
  const { a, b, json } = parseCommandLine(args, { json: jsonOption }, {
    a: { placeholder: "A", help: "the baseline" },
    b: { placeholder: "B", help: "what is held against it" },
  });
  const [before, after] = [await readRecords(a), await readRecords(b)];
  const previous = new Map(before.records.map((record) => [keyOf(record), record]));
  const pairs = after.records.flatMap((record) => {
    const other = previous.get(keyOf(record));
    return other === undefined
      ? []
      : [{ key: keyOf(record), a: other.seconds, b: record.seconds, ...judge(other, record) }];
  });
  if (pairs.length === 0) {
    throw new Error(`Cannot compare "${a}" and "${b}": they have no benchmark in common`);
  }
  if (json) {
    for (const pair of pairs) print(JSON.stringify({ bench: "compare", ...pair }));
    return;
  }
  print(`A  ${a}  ${before.machines.join("; ")}`);
  print(`B  ${b}  ${after.machines.join("; ")}`);
  const milliseconds = (seconds: number) => `${(1000 * seconds).toFixed(3)} ms`;
  const rows = pairs.map(({ key, a, b, ratio, verdict }) => [
    key,
    milliseconds(a),
    milliseconds(b),
    `${ratio.toFixed(2)} x`,
    verdict === "alike" ? "" : verdict,
  ]);
  for (const line of alignedLines(rows, ["left", "right", "right", "right"])) print(line);
  const count = (verdict: Verdict) => pairs.filter((pair) => pair.verdict === verdict).length;
  const alone = before.records.length + after.records.length - 2 * pairs.length;
  print(
    `${count("faster")} faster, ${count("slower")} slower, ${count("alike")} alike` +
      (alone === 0 ? "" : `; ${alone} stand in one file only`),
  );
}

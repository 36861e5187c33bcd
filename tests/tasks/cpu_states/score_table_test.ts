import { assertEquals } from "@std/assert";
import type { ModeScore } from "../../../tasks/cpu_states/score.ts";
import { formatStateScores } from "../../../tasks/cpu_states/score_table.ts";

const score: ModeScore = {
  total: { bytes: 160_000, states: 10_000, runs: 100 },
  predicted: { bytes: 159_999, states: 9_999, runs: 99 },
  trivial: { bytes: 152_096, states: 2_510, runs: 0 },
  byInstruction: {
    none: {
      total: { bytes: 1600, states: 100 },
      predicted: { bytes: 1600, states: 100 },
      trivial: { bytes: 1600, states: 100 },
    },
    LOADI: {
      total: { bytes: 48, states: 3 },
      predicted: { bytes: 46, states: 2 },
      trivial: { bytes: 45, states: 0 },
    },
  },
};

Deno.test("a score is a table beside the trivial predictor, rounded down", () => {
  assertEquals(
    formatStateScores({ teacherForced: score }),
    `\
Teacher-forced
                right  trivial   count
bytes         99.99 %  95.06 %  160000
whole states  99.99 %  25.10 %   10000
whole runs    99.00 %   0.00 %     100

executed     bytes   trivial    states   trivial  count
none      100.00 %  100.00 %  100.00 %  100.00 %    100
LOADI      95.83 %   93.75 %   66.66 %    0.00 %      3`,
  );
});

Deno.test("each mode has its table, and no score has none", () => {
  const titles = formatStateScores({ teacherForced: score, freeRunning: score }).split("\n")
    .filter((line) => /^[TF]/.test(line));
  assertEquals(titles, ["Teacher-forced", "Free-running"]);
  assertEquals(formatStateScores({}), "");
});

import { assertAlmostEquals, assertEquals } from "@std/assert";
import { judge } from "../../bench/compare.ts";
import { summarise } from "../../bench/samples.ts";

const rounds = (...times: number[]) => summarise(times);

Deno.test("a change counts where the middle halves of the rounds do not meet", () => {
  const { ratio, verdict } = judge(rounds(1.9, 2, 2, 2, 2.1), rounds(0.9, 1, 1, 1, 1.1));
  assertAlmostEquals(ratio, 2);
  assertEquals(verdict, "faster");
  assertEquals(judge(rounds(1, 1, 1), rounds(2, 2, 2)).verdict, "slower");
});

Deno.test("rounds that scatter over each other are alike, however far their medians lie apart", () => {
  assertEquals(judge(rounds(1, 2, 6, 7, 8), rounds(1, 2, 3, 7, 8)).verdict, "alike");
});

Deno.test("medians closer than 3 % are alike, however little their rounds scatter", () => {
  assertEquals(judge(rounds(1, 1, 1), rounds(1.02, 1.02, 1.02)).verdict, "alike");
  assertEquals(judge(rounds(1, 1, 1), rounds(1.04, 1.04, 1.04)).verdict, "slower");
});

Deno.test("median and quartiles of rounds in any order lie between the rounds, even ones too", () => {
  assertEquals(summarise([4, 1, 3, 2, 5]), { seconds: 3, quartiles: [2, 4], rounds: 5 });
  assertEquals(summarise([4, 1, 3, 2]), { seconds: 2.5, quartiles: [1.75, 3.25], rounds: 4 });
});

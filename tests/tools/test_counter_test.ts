import { assertEquals } from "@std/assert";
import { TestCounter } from "../../tools/test_counter.ts";

function summaryOf(output: string, succeeded: boolean, pieceLength = output.length): string {
  const counter = new TestCounter();
  for (let start = 0; start < output.length; start += pieceLength) {
    counter.add(output.slice(start, start + pieceLength));
  }
  return counter.summary(succeeded);
}

const tests = "\x1b[0mone ... \x1b[32mok\x1b[0m (1ms)\ntwo ... FAILED (2ms)\nthree ... ignored (0ms)\n" +
  "four ...'four' has been running for over (1m0s)\n ok (1m2s)\n";

Deno.test("the last line of deno test is what counts, in whatever pieces it comes", () => {
  const output =
    `${tests}\n\x1b[31mFAILED\x1b[0m | 19 passed (3 steps) | 2 failed | 4 ignored | 5 filtered out (1s)\n\n`;
  for (const length of [1, 7, output.length]) {
    assertEquals(summaryOf(output, false, length), "19 passed, 2 failed, 4 skipped");
  }
  assertEquals(summaryOf("ok | 3 passed | 0 failed (1s)", true), "3 passed, 0 failed");
});

Deno.test("tests are counted one by one when deno test dies before its last line", () => {
  assertEquals(summaryOf(tests, false), "2 passed, 1 failed, 1 skipped");
  assertEquals(summaryOf("one ... ok (1ms)\nthread 'main' panicked\n", false), "1 passed, 1 failed");
});

Deno.test("a failure of no test counts as one", () => {
  assertEquals(summaryOf("error: Type checking failed.\n", false), "0 passed, 1 failed");
  assertEquals(summaryOf("ok | 3 passed | 0 failed (1s)", false), "3 passed, 1 failed");
});

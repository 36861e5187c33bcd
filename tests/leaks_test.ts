import { assertEquals, assertLess } from "@std/assert";
import type { MemorySlope } from "../bench/leaks.ts";

/**
 * The long form is `deno task bench leaks`. In a stretch as short as this, what threads have not collected yet is worth a
 * kilobyte a step; a generation that kept its plan would leave a megabyte.
 */
const mostBytesEach = { step: 4096, generation: 131_072 };

Deno.test("memory does not grow with training steps and generations", async () => {
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "bench/main.ts", "leaks", "--threads", "1", "--json"].concat(
      ["--steps", "600", "--generations", "150"],
    ),
    cwd: `${import.meta.dirname}/..`,
  }).output();
  assertEquals(code, 0);
  const slopes: MemorySlope[] = new TextDecoder().decode(stdout).trimEnd().split("\n").map((line) =>
    JSON.parse(line)
  );
  assertEquals(slopes.map(({ work, count }) => [work, count]), [["step", 600], ["generation", 150]]);
  for (const { work, bytesEach } of slopes) assertLess(bytesEach, mostBytesEach[work], work);
});

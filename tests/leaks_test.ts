import { assertEquals, assertLess } from "@std/assert";
import type { MemorySlope } from "../bench/leaks.ts";

/**
 * The long form is `deno task bench leaks`. Two megabytes that a process takes once are worth 5 kB a step over 600 steps,
 * and less than one over these; a generation that kept its plan would leave a megabyte.
 */
const mostBytesEach = { step: 2048, generation: 131_072 };

Deno.test("memory does not grow with training steps and generations", async () => {
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "bench/main.ts", "leaks", "--threads", "1", "--json"].concat(
      ["--steps", "2400", "--generations", "150"],
    ),
    cwd: `${import.meta.dirname}/..`,
  }).output();
  assertEquals(code, 0);
  const slopes: MemorySlope[] = new TextDecoder().decode(stdout).trimEnd().split("\n").map((line) =>
    JSON.parse(line)
  );
  assertEquals(slopes.map(({ work, count }) => [work, count]), [["step", 2400], ["generation", 150]]);
  for (const { work, bytesEach } of slopes) assertLess(bytesEach, mostBytesEach[work], work);
});

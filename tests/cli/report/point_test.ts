import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { type Point, smoothed, thinned } from "../../../cli/report/point.ts";

Deno.test("the trend of a straight line is that line, to its ends", () => {
  const line = Array.from({ length: 500 }, (_, i): Point => [i, 7 - 0.01 * i]);
  for (const [i, [x, y]] of smoothed(line).entries()) {
    assertEquals(x, i);
    assertAlmostEquals(y, 7 - 0.01 * i, 1e-9);
  }
});

Deno.test("the trend is less noisy than the points and leaves out those that are not finite", () => {
  const points = Array.from({ length: 1000 }, (_, i): Point => [i, i === 500 ? NaN : i % 2]);
  const trend = smoothed(points);
  assertEquals(trend.length, 999);
  for (const [, y] of trend.slice(20, -20)) assert(Math.abs(y - 0.5) < 0.1, `${y}`);
  assertEquals(smoothed([[3, 4]]), [[3, 4]]);
  assertEquals(smoothed([]), []);
});

Deno.test("thinning keeps the first, lowest, highest and last point of a column, in their order", () => {
  const points: Point[] = [[0, 5], [0.1, 9], [0.2, 6], [0.3, 1], [0.4, 4], [0.45, 5], [1, 2]];
  assertEquals([...thinned(points, ([x]) => Math.round(x))], [[0, 5], [0.1, 9], [0.3, 1], [0.45, 5], [1, 2]]);
});

/** A point of a line. */
export type Point = readonly [x: number, y: number];

/**
 * The trend of noisy points: at each the straight line through its neighbours, a fiftieth of all points (Savitzky and
 * Golay 1964, of first order). Unlike a running mean it does not lag behind a falling curve.
 */
export function smoothed(points: readonly Point[]): Point[] {
  const finite = points.filter(([, y]) => Number.isFinite(y));
  const reach = Math.ceil(finite.length / 100);
  // Sums over all points before index i of y and of index · y.
  const sums = [0];
  const moments = [0];
  for (const [i, [, y]] of finite.entries()) {
    sums.push(sums[i]! + y);
    moments.push(moments[i]! + i * y);
  }
  return finite.map(([x], i): Point => {
    const start = Math.max(0, i - reach);
    const end = Math.min(finite.length, i + reach + 1);
    const count = end - start;
    const middle = (start + end - 1) / 2;
    const mean = (sums[end]! - sums[start]!) / count;
    const covariance = moments[end]! - moments[start]! - middle * mean * count;
    const slope = count < 2 ? 0 : covariance / ((count * (count * count - 1)) / 12);
    return [x, mean + slope * (i - middle)];
  });
}

/**
 * Of neighbouring points in the same column of pixels only the first, the lowest, the highest and the last, so that a
 * long run's plot is small and looks the same.
 */
export function* thinned(points: readonly Point[], columnOf: (point: Point) => number): Generator<Point> {
  for (let start = 0, end; start < points.length; start = end) {
    const column = columnOf(points[start]!);
    end = start + 1;
    while (end < points.length && columnOf(points[end]!) === column) end++;
    let [lowest, highest] = [start, start];
    for (let i = start; i < end; i++) {
      if (points[i]![1] < points[lowest]![1]) lowest = i;
      if (points[i]![1] > points[highest]![1]) highest = i;
    }
    for (const kept of new Set([start, lowest, highest, end - 1].sort((a, b) => a - b))) yield points[kept]!;
  }
}

/** A line of the grid: its place, from 0 to 1 along the axis, and its label. */
export interface Tick {
  readonly place: number;
  readonly label: string;
}

/** One axis of a plot. */
export interface Axis {
  readonly ticks: readonly Tick[];
  /** Where a value stands, 0 at the axis' start and 1 at its end; `NaN` for what cannot be drawn. */
  place(value: number): number;
}

/** How an axis is laid over values. */
export interface AxisOptions {
  /** Whether places go with the logarithm; values not above 0 have none then. */
  readonly logarithmic?: boolean;
  /** Whether it starts and ends on ticks, or with a margin when logarithmic, rather than at the outermost values. */
  readonly rounded?: boolean;
  /** Whether it starts at 0 when the least value is near. */
  readonly fromZero?: boolean;
}

/** Makes an axis over the range of the finite values. */
export function axisOf(values: Iterable<number>, options: AxisOptions = {}): Axis {
  const { logarithmic = false, rounded = false, fromZero = false } = options;
  const scale = logarithmic
    ? (value: number) => value > 0 ? Math.log10(value) : NaN
    : (value: number) => value;
  let [start, end] = [Infinity, -Infinity]; // On the scale.
  for (const value of values) {
    const scaled = scale(value);
    if (!Number.isFinite(scaled)) continue;
    start = Math.min(start, scaled);
    end = Math.max(end, scaled);
  }
  if (start > end) [start, end] = [0, 1];
  if (fromZero && start > 0 && start < 0.1 * end) start = 0;
  const size = Math.max(Math.abs(start), Math.abs(end));
  if (end - start < 1e-9 * Math.max(1, size)) {
    const around = Math.max(0.5, 1e-3 * size); // So that ticks beside a large value are other numbers than it.
    [start, end] = [start - around, end + around];
  }
  if (rounded && logarithmic) {
    const margin = 0.04 * (end - start);
    [start, end] = [start - margin, end + margin];
  }

  const decadesWide = logarithmic && end - start > 0.7;
  const step = niceStep(logarithmic && !decadesWide ? 10 ** end - 10 ** start : end - start);
  if (rounded && !logarithmic) {
    start = Math.floor(start / step + 1e-9) * step;
    end = Math.ceil(end / step - 1e-9) * step;
  }
  const place = (value: number) => (scale(value) - start) / (end - start);
  const marks = decadesWide
    ? powers(start, end)
    : logarithmic
    ? multiples(10 ** start, 10 ** end, step)
    : multiples(start, end, step);
  const ticks = marks.map((value) => ({
    place: place(value),
    label: labelOf(value, decadesWide ? value : step),
  }));
  return { ticks, place };
}

/** A step of 1, 2 or 5 times a power of ten that divides the range into four to eight parts or so. */
function niceStep(range: number): number {
  const power = 10 ** Math.floor(Math.log10(range / 5));
  const factor = [1, 2, 5, 10].find((factor) => range / (factor * power) <= 6.5) ?? 10;
  return factor * power;
}

function multiples(start: number, end: number, step: number): number[] {
  const first = Math.ceil(start / step - 1e-6);
  const last = Math.floor(end / step + 1e-6);
  // Adding 0 makes a positive zero of a negative one.
  return Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step + 0);
}

/** 1, 2 and 5 times each power of ten, or only the powers where those would be too many. */
function powers(start: number, end: number): number[] {
  const factors = end - start > 3 ? [1] : [1, 2, 5];
  const thin = Math.max(1, Math.ceil((end - start) / 8));
  const marks: number[] = [];
  for (let power = Math.floor(start); power <= end; power++) {
    if (power % thin !== 0) continue;
    for (const factor of factors) {
      const mark = Number(`${factor}e${power}`);
      if (Math.log10(mark) >= start && Math.log10(mark) <= end) marks.push(mark);
    }
  }
  return marks;
}

/** As many digits as the step needs; the very large and small in scientific notation. */
function labelOf(value: number, step: number): string {
  if (value === 0) return "0";
  const digits = Math.min(15, Math.max(4, 1 + Math.ceil(Math.log10(Math.abs(value) / step))));
  if (Math.abs(value) >= 1e12 || step < 0.999e-3) {
    return Number(value.toPrecision(digits)).toExponential().replace("e+", "e");
  }
  for (const [least, unit, letter] of [[1e9, 1e9, "G"], [1e6, 1e6, "M"], [1e4, 1e3, "k"]] as const) {
    if (Math.abs(value) >= least) return `${Number((value / unit).toPrecision(digits))}${letter}`;
  }
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  return value.toLocaleString("en", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
}

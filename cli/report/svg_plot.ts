import { type Axis, axisOf } from "./axis.ts";
import { type Markup, markup } from "./markup.ts";
import { plotColours, plotStyle } from "./plot_style.ts";
import { type Point, smoothed, thinned } from "./point.ts";

/** One line of a plot. */
export interface PlotSeries {
  readonly name: string;
  /** Pairs of x and y in the order of x; a y that is not finite leaves a gap. */
  readonly points: readonly Point[];
  /** `dashed` for something to compare with; `noisy` draws the points faintly and their trend over them. */
  readonly style?: "plain" | "dashed" | "noisy";
}

/** A plot of lines over one x axis. */
export interface LinePlot {
  /** What it shows; read out by screen readers, not drawn. */
  readonly title: string;
  /** What x is, with its unit. */
  readonly xLabel: string;
  /** What y is, with its unit. */
  readonly yLabel: string;
  readonly series: readonly PlotSeries[];
  /** Whether the x axis is logarithmic; all of x must be above 0 then. */
  readonly logX?: boolean;
  /** Whether the y axis is logarithmic; values not above 0 leave gaps then. */
  readonly logY?: boolean;
  /** Whether the legend tells the last value of each line, which it does where there is room; false where x is no time. */
  readonly legendValues?: false;
}

/** A series and what is drawn of it: a faint line through the points, if any, and the line itself. */
interface Curve {
  readonly series: PlotSeries;
  readonly faint: readonly Point[];
  readonly line: readonly Point[];
}

const size = { width: 720, height: 296 };
const frame = { left: 46, right: 716, top: 38, bottom: 254 };

/**
 * Draws a plot as an SVG element that also stands alone as a file; it follows the reader's choice of light or dark.
 *
 * @returns the markup of the `svg` element
 */
export function linePlotSvg(plot: LinePlot): Markup {
  const curves = plot.series.map((series): Curve => {
    const points = series.points.filter(([x]) => Number.isFinite(x));
    return series.style === "noisy"
      ? { series, faint: points, line: smoothed(points) }
      : { series, faint: [], line: points };
  });
  const points = curves.flatMap(({ faint, line }) => [...faint, ...line]);
  const x = axisOf(
    points.map(([x]) => x),
    plot.logX ? { logarithmic: true, rounded: true } : { fromZero: true },
  );
  const y = axisOf(points.map(([, y]) => y), { logarithmic: plot.logY ?? false, rounded: true });
  const hasPoints = points.some(([, y]) => Number.isFinite(y));
  const { drawn, top } = legend(curves, plot.legendValues ?? true);
  return markup`<svg class="plot" xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 ${top} ${size.width} ${
    size.height - top
  }">
<title>${plot.title}</title>
<desc>${description(plot, curves)}</desc>
<style>${plotStyle}</style>
${text(0, 13, "start", plot.yLabel)}${drawn}${hasPoints ? grid(x, y) : emptyNote()}
${text(frame.right, size.height - 6, "end", plot.xLabel)}${
    curves.map((curve, i) => lines(curve, i, x, y))
  }</svg>`;
}

function toX(place: number): number {
  return frame.left + place * (frame.right - frame.left);
}

function toY(place: number): number {
  return frame.bottom - place * (frame.bottom - frame.top);
}

function coordinate(value: number): number {
  return Math.round(value * 10) / 10;
}

function grid(x: Axis, y: Axis): Markup {
  const { left, right, bottom } = frame;
  const rows = y.ticks.map(({ place, label }) => {
    const top = coordinate(toY(place));
    return markup`<path class="grid" d="M${left} ${top}H${right}"/>${text(left - 8, top, "end", label, 4)}`;
  });
  const columns = x.ticks.map(({ place, label }) => {
    const at = coordinate(toX(place));
    const anchor = place > 0.98 ? "end" : "middle"; // The last label must not stick out.
    return markup`<path class="axis" d="M${at} ${bottom}v4"/>${text(at, bottom + 18, anchor, label)}`;
  });
  return markup`${rows}<path class="axis" d="M${left} ${bottom}H${right}"/>${columns}`;
}

function text(
  x: number,
  y: number,
  anchor: "start" | "middle" | "end",
  content: string | Markup,
  down = 0,
): Markup {
  return markup`<text x="${x}" y="${y}" dy="${down}" text-anchor="${anchor}">${content}</text>
`;
}

/**
 * On the right, the names of the series, each with its last value where there is room for all of them in one row; what
 * one row does not hold stands in rows above it.
 */
function legend(curves: readonly Curve[], values: boolean): { readonly drawn: Markup; readonly top: number } {
  const entries = curves.map(({ series, line }) => {
    const last = line.findLast(([, y]) => Number.isFinite(y))?.[1];
    return { name: series.name, value: last === undefined ? "" : shortNumber(last) };
  });
  const withValues = entries.reduce((sum, { name, value }) => sum + legendWidth(name + value), 0);
  const hasRoom = values && withValues < frame.right - legendStart;
  const drawn: Markup[] = [];
  let right = frame.right;
  let top = 0;
  for (const [i, { name, value }] of [...entries.entries()].reverse()) {
    const shown = hasRoom ? value : "";
    const width = legendWidth(name + shown) - legendGap;
    if (right < frame.right && right - width - legendSwatch < legendStart) {
      right = frame.right;
      top -= legendRow;
    }
    const left = right - width;
    const label = markup`<tspan class="name">${name}</tspan> ${shown}`;
    const swatch = markup`<path class="${className(curves[i]!.series, i)}" d="M${left - legendSwatch} ${
      top + 9
    }h18"/>`;
    drawn.unshift(markup`${swatch}${text(left, top + 13, "start", label)}`);
    right = left - legendGap;
  }
  return { drawn: markup`${drawn}`, top };
}

/** Where the legend may begin: behind the label of the y axis. */
const legendStart = 110;
/** A swatch begins so far before its name. */
const legendSwatch = 26;
/** Height of a row. */
const legendRow = 20;
/** Room for a swatch and the space around it. */
const legendGap = 44;

/** An estimate, as text cannot be measured here: 6.4 of 12 units is the mean letter of wide system fonts. */
function legendWidth(label: string): number {
  return Math.ceil(label.length * 6.4 + 4) + legendGap;
}

function className(series: PlotSeries, index: number): string {
  return `line line-${index % plotColours}${series.style === "dashed" ? " dashed" : ""}`;
}

function lines({ series, faint, line }: Curve, index: number, x: Axis, y: Axis): Markup {
  const draw = (points: readonly Point[], more: string) =>
    markup`<path class="${className(series, index)}${more}" d="${path(points, x, y)}"/>
`;
  return faint.length === 0 ? draw(line, "") : markup`${draw(faint, " faint")}${draw(line, "")}`;
}

function path(points: readonly Point[], x: Axis, y: Axis): string {
  let commands = "";
  let open = false;
  for (const [px, py] of thinned(points, (point) => Math.round(toX(x.place(point[0]))))) {
    const [left, top] = [toX(x.place(px)), toY(y.place(py))];
    const drawable = Number.isFinite(left) && Number.isFinite(top);
    if (drawable) commands += `${open ? "L" : "M"}${coordinate(left)} ${coordinate(top)}`;
    open = drawable;
  }
  return commands;
}

/** What a reader who does not see the plot has to know: where each line begins and ends. */
function description({ xLabel, yLabel }: LinePlot, curves: readonly Curve[]): string {
  const sentences = curves.map(({ series, line }) => {
    const finite = line.filter(([, y]) => Number.isFinite(y));
    const [first, last] = [finite[0], finite.at(-1)];
    if (first === undefined || last === undefined) return `${series.name}: no points.`;
    const from = `${shortNumber(first[1])} at ${shortNumber(first[0])}`;
    return `${series.name}: from ${from} to ${shortNumber(last[1])} at ${shortNumber(last[0])}.`;
  });
  return [`${yLabel} over ${xLabel}.`, ...sentences].join(" ");
}

function emptyNote(): Markup {
  const [x, y] = [(frame.left + frame.right) / 2, (frame.top + frame.bottom) / 2];
  return text(x, y, "middle", "No points yet");
}

function shortNumber(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e9) return value.toLocaleString("en");
  return String(Number(value.toPrecision(3)));
}

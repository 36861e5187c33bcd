import { assert, assertEquals, assertMatch, assertNotMatch, assertStringIncludes } from "@std/assert";
import { htmlReport } from "../../../cli/report/html_report.ts";
import { markup } from "../../../cli/report/markup.ts";
import { type LinePlot, linePlotSvg } from "../../../cli/report/svg_plot.ts";

const hostile = `<script>"&'</script>`;

const plot: LinePlot = {
  title: "Loss over steps",
  xLabel: "step",
  yLabel: "bits per byte",
  series: [
    { name: "training", points: Array.from({ length: 100 }, (_, i) => [i + 1, 8 / (i + 1)]), style: "noisy" },
    { name: "trivial", points: [[1, 2], [100, 2]], style: "dashed" },
  ],
};

Deno.test("markup escapes text and numbers, joins lists and leaves markup as it is", () => {
  const { source } = markup`<p title="${hostile}">${hostile} ${-1.5}${[
    markup`<b>${"<"}</b>`,
    markup`<i></i>`,
  ]}</p>`;
  const escaped = "&#60;script&#62;&#34;&#38;&#39;&#60;/script&#62;";
  assertEquals(source, `<p title="${escaped}">${escaped} -1.5<b>&#60;</b><i></i></p>`);
});

Deno.test("a report escapes all it is given and needs nothing from elsewhere", () => {
  const report = htmlReport({
    title: hostile,
    summary: hostile,
    facts: [[hostile, hostile]],
    sections: [
      { title: hostile, note: hostile, text: hostile },
      { title: "Table", table: { columns: [hostile], rows: [[hostile]] } },
      {
        title: "Plot",
        plot: {
          ...plot,
          title: hostile,
          xLabel: hostile,
          yLabel: hostile,
          series: [{ name: hostile, points: [] }],
        },
      },
      { title: "Markup", html: markup`<p>${hostile}</p>` },
    ],
    footer: hostile,
  });
  assertNotMatch(report, /<script|src=|@import|url\(/i);
  assertEquals([...report.matchAll(/https?:[^"]*/g)].map(String), ["http://www.w3.org/2000/svg"]);
  assertEquals(report.split("&#60;script&#62;").length - 1, 19);
});

Deno.test("every element of a report is closed", () => {
  const report = htmlReport({
    title: "Run",
    summary: "Done.",
    facts: [["Steps", "100"]],
    sections: [
      { title: "Loss", plot },
      { title: "Scores", table: { columns: ["Kind", "Right"], rows: [["ADD", "94.2 %"], ["SUB", "–"]] } },
    ],
    footer: "Made by a test.",
  });
  const open: string[] = [];
  for (const [, slash, name, selfClosing] of report.matchAll(/<(\/?)([a-z][a-z0-9]*)[^>]*?(\/?)>/gi)) {
    if (selfClosing || name === "meta") continue;
    if (slash) assertEquals(open.pop(), name);
    else open.push(name!);
  }
  assertEquals(open, []);
});

Deno.test("columns of numbers are set to the right, columns with words are not", () => {
  const rows = [["ADD", 1204, "95.1 %", "1.2 kB/s", "5 of 9"], ["2", -1.5, "–", "", "x"]];
  const report = htmlReport({
    title: "",
    summary: "",
    facts: [],
    sections: [{ title: "", table: { columns: ["a", "b", "c", "d", "e"], rows } }],
    footer: "",
  });
  const kinds = [...report.matchAll(/<th scope="col" class="(\w+)">/g)].map(([, kind]) => kind);
  assertEquals(kinds, ["text", "number", "number", "number", "text"]);
});

Deno.test("a plot tells a reader who does not see it what it shows", () => {
  const svg = linePlotSvg(plot).source;
  assertMatch(svg, /^<svg class="plot" .*role="img"/);
  assertStringIncludes(svg, "<title>Loss over steps</title>");
  assertMatch(
    svg,
    /<desc>bits per byte over step\. training: from \d.* at 1 to 0\.\d+ at 100\. trivial: from 2 at 1 to 2 at 100\.<\/desc>/,
  );
});

Deno.test("a plot has light and dark colours, a legend and a line for each series", () => {
  const svg = linePlotSvg(plot).source;
  assertStringIncludes(svg, "@media (prefers-color-scheme: dark)");
  assertStringIncludes(svg, `<tspan class="name">training</tspan>`);
  assertEquals(svg.match(/<path class="line line-0" d="M[^"]*L/g)?.length, 1);
  assertEquals(svg.match(/<path class="line line-0 faint" d="M[^"]*L/g)?.length, 1);
  assertEquals(svg.match(/<path class="line line-1 dashed" d="M[^"]*L/g)?.length, 1);
});

Deno.test("names that one row of the legend does not hold stand in rows above it, none over the label of the axis", () => {
  const series = Array.from(
    { length: 9 },
    (_, i) => ({ name: `a long name ${i}`, points: plot.series[1]!.points }),
  );
  const svg = linePlotSvg({ ...plot, series }).source;
  const entries = [
    ...svg.matchAll(/<text x="([\d.]+)" y="([-\d.]+)"[^>]*><tspan class="name">a long name (\d)/g),
  ]
    .map((match) => match.slice(1).map(Number) as [left: number, top: number, series: number]);
  assertEquals(entries.map(([, , series]) => series), [0, 1, 2, 3, 4, 5, 6, 7, 8]);
  assert(entries.every(([left]) => left > 110 && left < 716), `${entries}`);
  assertEquals(entries.map(([, top]) => top), entries.map(([, top]) => top).toSorted((a, b) => a - b));
  const highest = Math.min(...entries.map(([, top]) => top));
  assert(highest < 0 && Number(svg.match(/viewBox="0 (-\d+) 720/)![1]) <= highest - 12, svg.slice(0, 200));
  assertStringIncludes(linePlotSvg(plot).source, 'viewBox="0 0 720 296"');
});

Deno.test("a plot of a million points stays small, and one of none says so", () => {
  const points = Array.from({ length: 1_000_000 }, (_, i): [number, number] => [i, Math.sin(i) + i / 1e5]);
  const svg = linePlotSvg({ ...plot, series: [{ name: "long", points }] }).source;
  assert(svg.length < 60_000, `${svg.length} characters`);
  assertStringIncludes(linePlotSvg({ ...plot, series: [] }).source, "No points yet");
});

Deno.test("a plot leaves gaps where there is no value and never writes NaN", () => {
  const points: [number, number][] = [[0, 1], [1, 2], [2, NaN], [3, 4], [4, 0], [5, -1], [6, Infinity], [
    7,
    8,
  ], [8, 9]];
  const svg = linePlotSvg({ ...plot, logY: true, series: [{ name: "gaps", points }] }).source;
  const [, drawn = ""] = /<path class="line line-0" d="(M[^"]*L[^"]*)"\/>/.exec(svg) ?? [];
  assertMatch(drawn, /^M[\d.]+ [\d.]+L[\d.]+ [\d.]+M[\d.]+ [\d.]+M[\d.]+ [\d.]+L[\d.]+ [\d.]+$/);
  assertNotMatch(svg, /NaN|Infinity|undefined/);
});

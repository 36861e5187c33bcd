import { Markup, markup } from "./markup.ts";
import { reportStyle } from "./report_style.ts";
import { type LinePlot, linePlotSvg } from "./svg_plot.ts";

/** What a table may hold: text and numbers, or what links. */
export type ReportCell = string | number | Markup;

/** A table; columns of numbers, with or without a unit, are set to the right. */
export interface ReportTable<Cell extends ReportCell = string | number> {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

/** What a section shows: a plot, a table, text as it is (bytes, programs), or HTML made with the `markup` tag. */
export type ReportContent =
  | { readonly plot: LinePlot }
  | { readonly table: ReportTable<ReportCell> }
  | { readonly text: string }
  | { readonly html: Markup };

/** One section of a report. */
export type ReportSection = ReportContent & {
  readonly title: string;
  /** Its anchor, where something links to it. */
  readonly id?: string;
  /** A sentence or two under the title. */
  readonly note?: string;
};

/** All that a report says. */
export interface Report {
  readonly title: string;
  /** The result in one sentence. */
  readonly summary: string;
  /** The run's facts: names and values, with units. */
  readonly facts: readonly (readonly [name: string, value: string])[];
  readonly sections: readonly ReportSection[];
  /** The style sheet of markup in its sections, where that has one of its own. */
  readonly style?: Markup;
  /** When it was made, and by what. */
  readonly footer: string;
}

/** Makes the report as one HTML file that needs nothing else: no network, no scripts, light or dark as the reader has it. */
export function htmlReport(report: Report): string {
  const facts = report.facts.map(([name, value]) =>
    markup`<div><dt>${name}</dt><dd>${value}</dd></div>
`
  );
  return markup`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${report.title}</title>
<style>${reportStyle}${report.style ?? ""}</style>
</head>
<body>
<main>
<h1>${report.title}</h1>
<p class="summary">${report.summary}</p>
<dl class="facts">
${facts}</dl>
${report.sections.map(section)}</main>
<footer>${report.footer}</footer>
</body>
</html>
`.source;
}

function section(section: ReportSection): Markup {
  const note = section.note === undefined ? markup`` : markup`<p class="note">${section.note}</p>`;
  const anchor = section.id === undefined ? markup`` : markup` id="${section.id}"`;
  return markup`<section${anchor}>
<h2>${section.title}</h2>
${note}${content(section)}
</section>
`;
}

function content(content: ReportContent): Markup {
  if ("plot" in content) return markup`<figure>${linePlotSvg(content.plot)}</figure>`;
  if ("table" in content) return tableOf(content.table);
  if ("text" in content) return markup`<pre>${content.text}</pre>`;
  return content.html;
}

function tableOf({ columns, rows }: ReportTable<ReportCell>): Markup {
  const kinds = columns.map((_, i) => rows.every((row) => isNumeric(row[i] ?? "")) ? "number" : "text");
  const headings = columns.map((name, i) => markup`<th scope="col" class="${kinds[i]!}">${name}</th>`);
  const lines = rows.map((row) => {
    const cells = row.map((cell, i) => markup`<td class="${kinds[i] ?? "text"}">${cell}</td>`);
    return markup`<tr>${cells}</tr>
`;
  });
  return markup`<div class="scroll"><table>
<thead><tr>${headings}</tr></thead>
<tbody>
${lines}</tbody>
</table></div>`;
}

/** A number, one with a unit such as `94.2 %`, or a dash or nothing for none. */
function isNumeric(cell: ReportCell): boolean {
  if (cell instanceof Markup) return false;
  return typeof cell === "number" || /^(?:[-+−]?\d[\d.,]*(?:e[-+]?\d+)?(?:\s?\S{1,8})?|[-–—]?)$/i.test(cell);
}

import { join } from "@std/path";
import { htmlReport, type ReportSection, type ReportTable } from "../report/html_report.ts";

/** What a study found. */
export interface StudyReport {
  readonly title: string;
  /** The result in one sentence. */
  readonly summary: string;
  readonly facts: readonly (readonly [name: string, value: string])[];
  /** Tables, each under a heading. */
  readonly tables: readonly { readonly title: string; readonly note?: string; readonly table: ReportTable }[];
  /** Plots and whatever else follows the tables in the HTML. */
  readonly sections: readonly ReportSection[];
  /** Everything as data. */
  readonly record: Readonly<Record<string, unknown>>;
}

/** Writes `study.json`, `study.md` and `study.html` into the study's folder. */
export async function writeStudyReport(folder: string, report: StudyReport): Promise<readonly string[]> {
  const { title, summary, facts, tables, sections, record } = report;
  const files = {
    "study.json": JSON.stringify(record, null, 2) + "\n",
    "study.md": markdown(report),
    "study.html": htmlReport({
      title,
      summary,
      facts,
      sections: [...tables, ...sections],
      footer: `Made by bgpt on ${new Date().toISOString().slice(0, 10)}.`,
    }),
  };
  for (const [name, text] of Object.entries(files)) await Deno.writeTextFile(join(folder, name), text);
  return Object.keys(files).map((name) => join(folder, name));
}

function markdown({ title, summary, facts, tables }: StudyReport): string {
  const line = (cells: readonly (string | number)[]) => `| ${cells.join(" | ")} |`;
  return [
    `# ${title}`,
    "",
    summary,
    "",
    ...facts.map(([name, value]) => `- ${name}: ${value}`),
    ...tables.flatMap(({ title, note, table }) => [
      "",
      `## ${title}`,
      "",
      ...(note === undefined ? [] : [note, ""]),
      line(table.columns),
      line(table.columns.map(() => "---")),
      ...table.rows.map(line),
    ]),
    "",
  ].join("\n");
}

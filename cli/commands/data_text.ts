import { readFile, readRange } from "@bgpt/core/files";
import {
  csvRows,
  decodeUtf8,
  jsonRows,
  parquetRows,
  type TableRow,
  type TextColumns,
  textItem,
} from "@bgpt/tasks/text";
import { extname } from "@std/path";
import { defineCommand } from "../command.ts";
import { UsageError } from "../errors.ts";
import { findInputFiles, notePassedOver } from "../input_files.ts";
import { labelledStem, labelOption, type LabelSource, labelSource } from "../labels.ts";
import { prepareFiles, type PrepareInput, prepareOptions } from "../prepare.ts";

/** Tables by the endings of their names. */
const tableExtensions = [".csv", ".tsv", ".jsonl", ".ndjson", ".parquet"];

/** `bgpt data text`: texts, from files and from the rows of tables. */
export default defineCommand({
  description:
    "Turns texts into one UTF-8 file an item: the rows of CSV, TSV, JSONL and Parquet, read row by row whatever their size, " +
    "and .txt files, which pass as they are. Several text columns stand in one file, each on a line of its own. A row is " +
    "called LABEL_TABLE-ROW.txt, or TABLE-ROW.txt without a label column; in labels _, / and spaces become -. What is not " +
    "UTF-8, and a row that is broken or has no text, is named and counted, and the rest goes on.",
  positionals: { inputs: { placeholder: "PATH", many: true, help: "tables and texts, or folders of them" } },
  options: {
    ...prepareOptions,
    textColumn: {
      kind: "list",
      placeholder: "A,B",
      help: "columns of the text, by name, or by number from 1 with --no-header; required for tables",
    },
    labelColumn: { kind: "string", placeholder: "C", help: "column of the label; no label when not given" },
    header: {
      kind: "flag",
      negatable: true,
      default: true,
      help: "the first row of a CSV names its columns",
    },
    label: { ...labelOption, help: `${labelOption.help}; for .txt files` },
  },
  examples: [
    {
      what: "AG News, whose columns have no names: class, title, description",
      line: "data text agnews/train.csv --out corpora/agnews --no-header --label-column 1 --text-column 2,3",
    },
    {
      what: "a Parquet file as data hubs have them",
      line: "data text train.parquet --out corpora/reviews --label-column label --text-column text",
    },
    { what: "books in folders, without labels", line: "data text books --out corpora/books --label none" },
  ],
  run: async (values) => {
    const extensions = [".txt", ...tableExtensions];
    const { files, passedOver } = findInputFiles(values.inputs, extensions);
    const texts = files.filter(({ path }) => !isTable(path));
    const tables = files.filter(({ path }) => isTable(path)).map(({ path }) => path);
    if (tables.length > 0 && values.textColumn.length === 0) {
      throw new UsageError(
        `Cannot read table "${tables[0]}": --text-column is missing, which of its columns are the text`,
      );
    }
    const columns: TextColumns = {
      text: values.textColumn,
      ...(values.labelColumn === undefined ? {} : { label: values.labelColumn }),
    };
    const source = labelSource(texts, values.label);
    const inputs = async function* (): AsyncGenerator<PrepareInput> {
      yield* texts.map(({ path }) => textFile(path, source));
      for (const path of tables) yield* tableItems(path, columns, values.header);
    };
    await prepareFiles(inputs(), "Preparing text", values, tables.length === 0 ? texts.length : undefined);
    notePassedOver(passedOver, extensions);
  },
});

function isTable(path: string): boolean {
  return tableExtensions.includes(extname(path).toLowerCase());
}

function textFile(path: string, source: LabelSource): PrepareInput {
  return {
    name: path,
    make: async () => {
      const bytes = await readFile(path);
      decodeUtf8(bytes);
      return [{ stem: labelledStem(path, source), extension: "txt", bytes }];
    },
  };
}

/** An input for each row; one that fails for the table, where it cannot be read any further. */
async function* tableItems(
  path: string,
  columns: TextColumns,
  header: boolean,
): AsyncGenerator<PrepareInput> {
  const table = labelledStem(path, "none");
  try {
    for await (const row of tableRows(path, columns, header)) {
      yield {
        name: `${path}:${row.number}`,
        make: () => {
          const { text, label } = textItem(row.cells(), columns);
          const id = `${table}-${String(row.number).padStart(7, "0")}`;
          const stem = label === undefined ? id : `${label}_${id}`;
          return Promise.resolve([{ stem, extension: "txt", bytes: new TextEncoder().encode(text) }]);
        },
      };
    }
  } catch (error) {
    yield { name: path, make: () => Promise.reject(error) };
  }
}

async function* tableRows(path: string, columns: TextColumns, header: boolean): AsyncGenerator<TableRow> {
  using file = await Deno.open(path);
  switch (extname(path).toLowerCase()) {
    case ".parquet":
      return yield* parquetRows(
        {
          byteLength: file.statSync().size,
          slice: (start, end) => readRange(file, start, (end ?? file.statSync().size) - start).buffer,
        },
        [...columns.text, ...(columns.label === undefined ? [] : [columns.label])],
      );
    case ".csv":
      return yield* csvRows(file.readable, { header });
    case ".tsv":
      return yield* csvRows(file.readable, { header, delimiter: "\t" });
    default:
      return yield* jsonRows(file.readable);
  }
}

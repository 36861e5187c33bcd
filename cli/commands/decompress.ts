import { Container, ContainerError, type DecompressedBlock } from "@bgpt/tasks";
import { openGenerativeCheckpoint } from "../checkpoint.ts";
import { codingBatchOption, openCodingEngine } from "../coding_engine.ts";
import { defineCommand } from "../command.ts";
import { engineOptions } from "../engine.ts";
import { openFile } from "../open_file.ts";
import { jsonOption } from "../options.ts";
import { checkOutputPath } from "../output_path.ts";
import { ProgressLine } from "../progress.ts";
import { note, print, printJson } from "../terminal.ts";
import { formatCount, formatDuration, formatRate } from "../units.ts";
import { writeWholeFile } from "../whole_file.ts";

/** How many damaged blocks an error names. */
const mostNamed = 10;

/** `bgpt decompress`: a container back to the file. */
export default defineCommand({
  description:
    "Gives back the file that bgpt compress made a container of, with the same checkpoint, on the device that it was " +
    "made on. A damaged container is refused, and its damaged blocks are named; the others are independent of them, " +
    "and can be had with --keep-damaged.",
  positionals: { file: { placeholder: "FILE", help: "the container" } },
  options: {
    checkpoint: {
      kind: "path",
      placeholder: "DIR",
      required: true,
      help: "the checkpoint that the container was made with",
    },
    out: { kind: "path", placeholder: "FILE", required: true, help: "the file to write" },
    keepDamaged: {
      kind: "flag",
      help: "write what is good, with zeros in place of damaged blocks, up to where it ends",
    },
    threads: engineOptions.threads,
    batch: codingBatchOption,
    json: jsonOption,
  },
  examples: [
    { what: "the text back", line: "decompress --checkpoint runs/books book.bgpt --out book.txt" },
  ],
  run: async ({ file: path, checkpoint: checkpointPath, out, keepDamaged, threads, batch, json }) => {
    using file = await openFile(path);
    checkOutputPath(out, [path]);
    const container = await Container.open(file.bytes);
    const checkpoint = await openGenerativeCheckpoint(checkpointPath, "decompress");
    const engine = await openCodingEngine(container.header.engine, threads);
    const started = performance.now();
    const damaged: number[] = [];
    let byteLength: number;
    {
      const { header } = container;
      using progress = new ProgressLine("Decompressing", header.byteLength, "bytes");
      const blocks = container.blocks(engine, checkpoint, batch === undefined ? {} : { batch });
      const bytes = bytesOf(container, blocks, damaged, keepDamaged, (count) => progress.update(count));
      byteLength = await writeWholeFile(out, bytes);
    }
    engine.destroy();
    const seconds = (performance.now() - started) / 1000;
    if (damaged.length > 0) note(`Zeros stand in place of ${nameBlocks(damaged, container.blockCount)}`);
    const missingBytes = container.header.byteLength - byteLength;
    if (missingBytes > 0) note(`The last ${formatCount(missingBytes, "byte")} of the file are missing`);
    if (json) {
      return printJson({
        file: path,
        out,
        bytes: byteLength,
        damagedBlocks: damaged,
        missingBytes,
        seconds,
        bytesPerSecond: byteLength / seconds,
      });
    }
    print(
      `${formatCount(byteLength, "byte")} in ${formatDuration(seconds)}, ${
        formatRate(byteLength / seconds, "B")
      }`,
    );
  },
});

/**
 * The bytes of the blocks.
 * @param damaged where the numbers of damaged blocks go
 * @throws {Error} at the end, when blocks are damaged and not to be kept
 */
async function* bytesOf(
  { blockCount }: Container,
  blocks: AsyncIterable<DecompressedBlock>,
  damaged: number[],
  keepDamaged: boolean,
  onCount: (count: number) => void,
): AsyncGenerator<Uint8Array> {
  let count = 0;
  try {
    for await (const block of blocks) {
      if (block.damaged) damaged.push(block.index);
      onCount(count += block.bytes.length);
      yield block.bytes;
    }
  } catch (error) {
    // What is wrong with the end is no reason to lose the rest.
    if (!keepDamaged || count === 0 || !(error instanceof ContainerError)) throw error;
    note(error.message.replace(/^Cannot decompress/, "Decompressed up to damage"));
  }
  if (damaged.length === 0 || keepDamaged) return;
  throw new Error(
    `Cannot decompress: the container is damaged in ${
      nameBlocks(damaged, blockCount)
    }. Copy the container again, or use ` +
      "--keep-damaged for the rest",
  );
}

/** `blocks 1, 2 and 5 more of 90`. */
function nameBlocks(indexes: readonly number[], blockCount: number): string {
  const named = indexes.slice(0, mostNamed).join(", ");
  const others = indexes.length - mostNamed;
  const noun = indexes.length === 1 ? "block" : "blocks";
  return `${noun} ${named}${others > 0 ? ` and ${others} more` : ""} of ${blockCount}`;
}

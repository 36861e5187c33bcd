import { CountedBuffers } from "./counted_buffers.ts"; // before any reader
import { RandomStream } from "@bgpt/core";
import { mutate, pick } from "./mutate.ts";

/** A reader of foreign bytes, and what may come of them. */
export interface FuzzedReader {
  /** The format; also the folder in `corpus/` of files that a reader once failed at. */
  readonly format: string;
  /** Small valid files. */
  readonly seeds: readonly Uint8Array[];
  /** Reads the bytes, or throws. */
  readonly read: (bytes: Uint8Array) => unknown;
  /** Whether an error is the format's own. */
  readonly isOwnError: (error: Error) => boolean;
  /** Damage that knows the format, in half of the cases; the other half is damaged as any bytes are. */
  readonly mutateOwn?: (random: RandomStream, seed: Uint8Array, seeds: readonly Uint8Array[]) => Uint8Array;
  /** Bytes of all buffers that a reader may ask for: these, and so many for each byte of the file. */
  readonly mostBytes: { readonly fixed: number; readonly perByte: number };
}

const seed = Number(Deno.env.get("BGPT_FUZZ_SEED") ?? 1);
const caseCount = Number(Deno.env.get("BGPT_FUZZ_CASES") ?? 10_000);
const mostMs = 1000;
/** A message that a person reads: a sentence, not a file. */
const mostMessageCharacters = 700;

/**
 * Declares the tests of a reader. They run without any permission: a reader that writes, runs or fetches something fails.
 * `BGPT_FUZZ_SEED` and `BGPT_FUZZ_CASES` give other cases; a failure tells its bytes, for the corpus.
 */
export function fuzzTests(reader: FuzzedReader, permissions: Deno.PermissionOptions = "none"): void {
  for (const [name, bytes] of corpusOf(reader.format)) {
    Deno.test({
      name: `${reader.format} that once failed: ${name.replace(".bin", "").replaceAll("-", " ")}`,
      permissions,
      fn: async () => check(await faultOf(reader, bytes), `corpus/${reader.format}/${name}`, bytes),
    });
  }
  Deno.test({ name: `${reader.format}: every seed is read`, permissions, fn: () => readAll(reader) });
  Deno.test({
    name:
      `${reader.format}: ${caseCount} damaged files are read, or refused in a sentence, in time and memory`,
    permissions,
    fn: async () => {
      let refused = 0;
      for (let number = 0; number < caseCount; number++) {
        const bytes = caseOf(reader, number);
        const outcome = await faultOf(reader, bytes);
        check(outcome, `case ${number} of seed ${seed}`, bytes);
        if (outcome.refused) refused++;
      }
      // Damage that never tells is none, and damage that always does gets no further than a signature.
      if (refused < caseCount / 100 || refused > caseCount * 0.999) {
        throw new Error(`${refused} of ${caseCount} cases were refused: other seeds or damages are required`);
      }
    },
  });
}

async function readAll({ seeds, read }: FuzzedReader): Promise<void> {
  for (const bytes of seeds) await read(bytes);
}

/** The bytes of a case, which follow from its number and the seed. */
function caseOf({ seeds, mutateOwn }: FuzzedReader, number: number): Uint8Array {
  const random = new RandomStream(seed, number);
  const bytes = pick(random, seeds);
  if (mutateOwn === undefined || random.below(2) === 0) return mutate(random, bytes, seeds);
  return mutateOwn(random, bytes, seeds);
}

/** What came of a file: what the reader did that it must not, if anything, and whether it refused. */
interface Outcome {
  readonly fault?: string;
  readonly refused: boolean;
}

async function faultOf(reader: FuzzedReader, bytes: Uint8Array): Promise<Outcome> {
  const first = await outcomeOf(reader, bytes);
  // A machine that does much else at this moment is no fault.
  return first.fault?.startsWith("took ") ? await outcomeOf(reader, bytes) : first;
}

async function outcomeOf({ read, isOwnError, mostBytes }: FuzzedReader, bytes: Uint8Array): Promise<Outcome> {
  const allowed = mostBytes.fixed + mostBytes.perByte * bytes.length;
  // Some readers change what they are given.
  const given = bytes.slice();
  let error: unknown;
  let askedBytes: number;
  const start = performance.now();
  {
    using buffers = new CountedBuffers(allowed);
    try {
      await read(given);
    } catch (thrown) {
      error = thrown ?? "nothing";
    }
    askedBytes = buffers.bytes;
  }
  const ms = performance.now() - start;
  const refused = error !== undefined;
  if (askedBytes > allowed) {
    return { refused, fault: `asked for ${askedBytes} bytes, ${allowed} are allowed` };
  }
  if (ms > mostMs) return { refused, fault: `took ${Math.round(ms)} ms` };
  if (error === undefined) return { refused };
  if (!(error instanceof Error) || !isOwnError(error)) return { refused, fault: `threw ${described(error)}` };
  const { message } = error;
  if (!/^Cannot \S/.test(message) || /[\n\r]|\.$/.test(message) || message.length > mostMessageCharacters) {
    return { refused, fault: `said no sentence: ${JSON.stringify(message.slice(0, 300))}` };
  }
  // What a failing program says is no sentence for people.
  const isLeaked = /\bundefined\b|: \S+ is not a function|Cannot read propert|not iterable|call stack/.test(
    message,
  );
  return isLeaked ? { refused, fault: `said no sentence: ${message.slice(0, 300)}` } : { refused };
}

function described(error: unknown): string {
  return error instanceof Error ? (error.stack ?? `${error}`).slice(0, 1000) : `${error}`;
}

function check({ fault }: Outcome, name: string, bytes: Uint8Array): void {
  if (fault === undefined) return;
  throw new Error(
    `${name}, ${bytes.length} bytes, ${fault}\nThe bytes in base64: ${bytes.slice(0, 20_000).toBase64()}`,
  );
}

/** The files that the reader of a format once failed at, named after what they did. */
function corpusOf(format: string): [name: string, bytes: Uint8Array][] {
  const folder = `${import.meta.dirname}/corpus/${format}`;
  try {
    return [...Deno.readDirSync(folder)].map(({ name }) => name).sort()
      .map((name) => [name, Deno.readFileSync(`${folder}/${name}`)]);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

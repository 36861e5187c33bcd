import { fuzzTests } from "./fuzz.ts";
import { decodeCheckpoint, encodeCheckpoint } from "@bgpt/core";
import { assertRejects } from "@std/assert";
import { MetricsLog, readMetrics } from "../../cli/report/metrics_log.ts";
import { bytesOf, smallCheckpoint } from "../core/small_checkpoint.ts";
import { mutate, mutateJson } from "./mutate.ts";

const files = bytesOf(encodeCheckpoint(smallCheckpoint()));
const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** What is told where a checkpoint is refused: the class says whether a file or a field of it is at fault. */
const isOwnError = ({ name, message }: Error) =>
  ["SyntaxError", "TypeError", "RangeError"].includes(name) && /^Cannot (read|use) .*"runs\/a"/.test(message);

for (const name of ["config.json", "trainer.json"]) {
  const seeds = [
    files.get(name)!,
    encoder.encode(JSON.stringify(JSON.parse(decoder.decode(files.get(name)!)))),
  ];
  fuzzTests({
    format: name,
    seeds,
    read: (bytes) => {
      const read = (asked: string) => Promise.resolve(asked === name ? bytes : files.get(asked));
      return decodeCheckpoint(read, "runs/a", "weights");
    },
    isOwnError,
    mutateOwn: (random, seed) => encoder.encode(mutateJson(random, decoder.decode(seed))),
    // The weights once, and one parameter at a time as it is transposed.
    mostBytes: { fixed: 4 << 20, perByte: 16 },
  });
}

Deno.test("sizes that no tensor has are refused before anything of that size is made", async () => {
  const config = JSON.parse(decoder.decode(files.get("config.json")!));
  config.model = { ...config.model, hidden: 16384, patchLayers: 256, byteLayers: 256 };
  delete config.config;
  const read = (name: string) =>
    Promise.resolve(name === "config.json" ? encoder.encode(JSON.stringify(config)) : files.get(name));
  await assertRejects(
    () => decodeCheckpoint(read, "runs/a"),
    SyntaxError,
    "must be [16384,1028], found [64,1028]",
  );
});

Deno.test("a field that every object has is no field of a configuration", async () => {
  const config = JSON.parse(decoder.decode(files.get("config.json")!));
  config.model["constructor"] = 1;
  const read = (name: string) =>
    Promise.resolve(name === "config.json" ? encoder.encode(JSON.stringify(config)) : files.get(name));
  await assertRejects(() => decodeCheckpoint(read, "runs/a"), TypeError, 'there is no field "constructor"');
});

const folder = Deno.makeTempDirSync();
addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
const path = `${folder}/metrics.jsonl`;
const metrics = [
  '{"step":1,"kind":"train","lossNats":5.5}\n{"step":2,"kind":"eval","lossNats":null,"ü":"x"}\n',
  '{"step":3,"kind":"dropped","files":["a","b"]}\n{"step":4',
].map((text) => encoder.encode(text));

fuzzTests({
  format: "metrics",
  seeds: metrics,
  read: (bytes) => {
    Deno.writeFileSync(path, bytes);
    const count = readMetrics(path).filter(({ step }) => step <= 2).length;
    new MetricsLog(path, 2)[Symbol.dispose]();
    // Only records that were there are kept, byte for byte.
    const kept = Deno.readFileSync(path);
    if (kept.some((byte, i) => byte !== bytes[i])) throw new Error("other bytes are kept");
    if (readMetrics(path).length > count) throw new Error("more records are kept than there were");
  },
  isOwnError: ({ name, message }) =>
    name === "Error" && message.startsWith(`Cannot read metrics at ${path}:`),
  mutateOwn: (random, seed) => {
    const [first = "", ...others] = decoder.decode(seed).split("\n");
    return mutate(random, encoder.encode([mutateJson(random, first), ...others].join("\n")), metrics);
  },
  mostBytes: { fixed: 1 << 16, perByte: 4 },
}, { read: [folder], write: [folder] });

/** A byte level that sees bytes of patches before: what it keeps of them says what a pass over the whole file does. */
import { assert, assertEquals } from "@std/assert";
import {
  defaultSampling,
  evaluationPlan,
  extensionPatch,
  generateBytes,
  initialParameters,
  type ModelConfig,
  NextByte,
  packStrip,
  parameterTable,
  RandomStream,
} from "@bgpt/core";
import { type Engine, randomUint32, ReferenceEngine } from "@bgpt/kernels";
import { cpu, engineTest, strictCpu } from "../engines.ts";
import { assertClose } from "../kernels/compare.ts";

/** Two blocks of bytes that reach 6 bytes back each; no multiple of the patch, so that the ring's ends fall inside it. */
const windowed: ModelConfig = {
  patchSize: 4,
  patchLength: 16,
  hidden: 64,
  patchLayers: 1,
  byteLayers: 2,
  byteHidden: 128,
  byteWindow: 7,
  positions: "rotary",
};
/** The window alone; with a head that sees the whole file; with n-grams and a convolution that reaches beyond it. */
const configs = [
  windowed,
  { ...windowed, byteGlobalHeads: 1 },
  { ...windowed, ngramRows: 64, byteConvolution: 11 },
];
const describe = ({ byteGlobalHeads = 0, ngramRows = 0, byteConvolution = 0 }: ModelConfig) =>
  `${byteGlobalHeads} of 2 heads global, ${ngramRows} rows of n-grams, a convolution of ${byteConvolution} bytes`;
const S = windowed.patchSize;
const V = 257;
const parametersOf = (config: ModelConfig) => {
  const table = parameterTable(config);
  const values = initialParameters(table, 3).map((value) => value * 4);
  // A convolution adds nothing at the start.
  const convolution = table.parameters.find(({ name }) => name.endsWith(".convolution.weight"));
  const noise = new RandomStream(9);
  for (let i = 0; i < (convolution?.length ?? 0); i++) values[convolution!.offset + i] = 0.1 * noise.normal();
  return values;
};
const extension = extensionPatch("bin", S);
const bytesOf = (stream: number, length: number) =>
  Uint8Array.from({ length }, (_, i) => randomUint32(i, stream, 2) % 256);

/** The logits of every byte of whole patches, files side by side, in one pass: for each file [bytes, 257]. */
async function logitsOfAll(
  config: ModelConfig,
  engine: Engine,
  files: readonly (readonly number[])[],
): Promise<Float32Array[]> {
  const samples = files.map((tokens) => ({ tokens: Uint16Array.from(tokens) }));
  const P = samples.reduce((sum, { tokens }) => sum + tokens.length / S, 0) + 3;
  const plan = evaluationPlan(config, P);
  const execution = await engine.prepare(plan.plan);
  execution.write(plan.model.parameters, parametersOf(config));
  const strip = packStrip(samples, P, S);
  plan.write(execution, strip);
  execution.run("forward");
  const logits = await execution.readFloats(plan.logits);
  execution.destroy();
  return strip.samples.map(({ firstPatch, patchCount }) =>
    logits.slice(firstPatch * S * V, (firstPatch + patchCount) * S * V)
  );
}

for (const config of configs) {
  engineTest(
    `bytes are predicted one by one as in a pass over the whole file, ${describe(config)}`,
    async (engine) => {
      const files = [0, 1].map((stream) => bytesOf(stream, 40));
      const whole = await logitsOfAll(
        config,
        new ReferenceEngine(),
        files.map((file) => [...extension, ...file]),
      );
      const sizes = { sequenceCount: files.length, slotPatches: 11 };
      const predictor = await NextByte.create(engine, config, parametersOf(config), sizes);
      // Twice, because the second time must not know of the first.
      for (const round of [files.toReversed(), files]) {
        predictor.start(extension);
        for (let step = 0; step < 40; step++) {
          const logits = await predictor.next();
          for (const b of round === files ? files.keys() : []) {
            const expected = whole[b]!.subarray(step * V, (step + 1) * V);
            const actual = logits.subarray(b * V, (b + 1) * V);
            assertClose(actual, expected, { absolute: 2e-4, relative: 2e-4 }, `file ${b}, byte ${step}`);
          }
          predictor.push(Uint8Array.from(round, (file) => file[step]!));
        }
      }
      predictor.destroy();
    },
  );
}

Deno.test("a byte is predicted from every byte before it, and from none behind", async () => {
  const file = [...extension, ...bytesOf(4, 24)];
  const position = 14;
  const changed = file.with(position, (file[position]! + 100) % 256);
  const [before, after] = await logitsOfAll(windowed, new ReferenceEngine(), [file, changed]);
  // Row r predicts token r + S.
  for (let row = 0; row < 6 * S; row++) {
    const differs = before!.subarray(row * V, (row + 1) * V).some((x, v) => x !== after![row * V + v]);
    assertEquals(differs, row + S > position, `row ${row}`);
  }
});

/** The most probable byte again and again, every one from a pass over all there is of its sequence. */
async function generateUncached(
  config: ModelConfig,
  engine: Engine,
  prefix: Uint16Array,
  byteLimit: number,
): Promise<Uint8Array> {
  const tokens = [...prefix];
  for (let made = 0; made < byteLimit; made++) {
    const rest = Array<number>(S + (S - tokens.length % S) % S).fill(0);
    const [logits] = await logitsOfAll(config, engine, [[...tokens, ...rest]]);
    const first = (tokens.length - S) * V;
    const bytes = logits!.subarray(first, first + V - 1);
    tokens.push(bytes.indexOf(Math.max(...bytes)));
  }
  return Uint8Array.from(tokens.slice(prefix.length));
}

const cases = [new ReferenceEngine(), cpu, strictCpu].flatMap((engine) =>
  configs.map((config) => ({ engine, config }))
);
for (const { engine, config } of cases) {
  const name = engine === strictCpu ? "strict cpu" : engine.name;
  Deno.test({
    name: `${name}: prefixes of any length are continued as a pass over all of them does, ${
      describe(config)
    }`,
    sanitizeResources: false,
    sanitizeOps: false,
    fn: async () => {
      // The third has a padded patch inside, as a pair of files has.
      const prefixes = [
        [...extension],
        [...extension, ...bytesOf(1, 5)],
        [...extension, ...bytesOf(2, 6), 256, 256, ...extension, ...bytesOf(3, 3)],
        [...extension, ...bytesOf(5, 12)],
        [...extension, ...bytesOf(6, 42)],
      ].map((tokens) => Uint16Array.from(tokens));
      const sampling = { ...defaultSampling, greedy: true };
      const request = { prefixes, byteLimit: 13, sampling, ignoreEnd: true };
      const actual = await generateBytes(engine, config, parametersOf(config), request);
      const expected = [];
      for (const prefix of prefixes) expected.push(await generateUncached(config, engine, prefix, 13));
      assertEquals(actual, expected);
      assert(new Set(expected.flatMap((bytes) => [...bytes])).size > 15, "the continuations vary");
    },
  });
}

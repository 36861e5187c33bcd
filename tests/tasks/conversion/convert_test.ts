import { assertEquals, assertRejects } from "@std/assert";
import { defaultSampling, endOfPatch, initialParameters, parameterTable } from "@bgpt/core";
import { type Engine, ReferenceEngine } from "@bgpt/kernels";
import { type ConversionFile, convert, type ConvertedFile } from "@bgpt/tasks";
import { loadFixture } from "../../core/fixture.ts";
import { cpu } from "../../engines.ts";
import { readJson, sharedTest } from "../../shared.ts";

const sampling = { ...defaultSampling, greedy: true };

async function converted(
  engine: Engine,
  ...[checkpoint, files, to, options]: Parameters<typeof convert> extends [Engine, ...infer Rest] ? Rest
    : never
): Promise<ConvertedFile[]> {
  const outputs = await Array.fromAsync(convert(engine, checkpoint, files, to, options));
  return outputs.sort((a, b) => a.index - b.index);
}

/** The file before the turn of a conversion's prefix. */
function sourceOf(prefix: readonly number[], S: number): ConversionFile {
  const bytesOf = (tokens: readonly number[]) =>
    Uint8Array.from(tokens.filter((token) => token !== endOfPatch));
  return {
    extension: new TextDecoder().decode(bytesOf(prefix.slice(0, S))),
    bytes: bytesOf(prefix.slice(S, -S)),
  };
}

for (const engine of [new ReferenceEngine(), cpu]) {
  sharedTest(
    `${engine.name}: the fixture's file is converted greedily as published, alone and among others`,
    async (fixtures) => {
      const { checkpoint } = await loadFixture();
      const { cases } = await readJson(`${fixtures}/dev/generation.json`) as {
        cases: { case: string; prefix_tokens: number[]; continuation: number[] }[];
      };
      const { prefix_tokens, continuation } = cases.find((found) => found.case.startsWith("conversion"))!;
      const file = sourceOf(prefix_tokens, checkpoint.model.patchSize);
      assertEquals([file.extension, file.bytes.length], ["txt", 40]);
      const expected = { index: 0, bytes: Uint8Array.from(continuation.slice(0, 64)), ended: false };
      const options = { sampling, byteLimit: 64, batch: 2 };
      assertEquals(await converted(engine, checkpoint, [file], "bmp", options), [expected]);
      const short = { extension: "txt", bytes: file.bytes.subarray(0, 3) };
      const outputs = await converted(engine, checkpoint, [file, short, file], "bmp", options);
      assertEquals([outputs[0], outputs[2]], [expected, { ...expected, index: 2 }]);
    },
  );
}

const model = { patchSize: 4, patchLength: 6, hidden: 64, patchLayers: 1, byteLayers: 1 };
const parameters = initialParameters(parameterTable(model), 3).map((value) => value * 4);
const file = { extension: "a", bytes: Uint8Array.of(1, 2, 3, 4) };

Deno.test("an output is up to the patch length long, and says whether the model ended it", async () => {
  const engine = new ReferenceEngine();
  // Every seed draws another output of at most 3 patches: some end, in a patch or at its first byte.
  const outputs: ConvertedFile[] = [];
  for (let seed = 0; seed < 40; seed++) {
    const options = { sampling: { ...defaultSampling, seed, temperature: 3 }, batch: 2 };
    outputs.push(...await converted(engine, { model, parameters }, [file, file], "b", options));
  }
  for (const { bytes, ended } of outputs) assertEquals(ended, bytes.length < 12, `${bytes.length} bytes`);
  assertEquals(new Set(outputs.map(({ ended }) => ended)).size, 2, "some end and some do not");
  const limited = await converted(engine, { model, parameters }, [file], "b", {
    sampling,
    byteLimit: 3,
    batch: 1,
  });
  assertEquals(limited.map(({ bytes, ended }) => [bytes.length, ended]), [[3, false]]);
});

Deno.test("what is drawn for a file depends on its place, not on how many are converted at a time", async () => {
  const files = [file, file, file];
  const drawn = (batch: number) => {
    const options = { sampling: { ...defaultSampling, seed: 7 }, batch };
    return converted(new ReferenceEngine(), { model, parameters }, files, "b", options);
  };
  const [alone, together] = [await drawn(1), await drawn(3)];
  assertEquals(alone, together);
  assertEquals(new Set(alone.map(({ bytes }) => bytes.join())).size, 3);
});

Deno.test("a source that leaves no room is refused", async () => {
  const long = { extension: "a", bytes: new Uint8Array(17) };
  await assertRejects(
    () => converted(new ReferenceEngine(), { model, parameters }, [file, long], "b", { sampling, batch: 2 }),
    RangeError,
    "Cannot continue a prefix of 7 whole patches",
  );
});

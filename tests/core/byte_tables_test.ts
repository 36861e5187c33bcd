import { initialParameters, type Parameter, parameterTable, vocabularySize } from "@bgpt/core";
import { assert, assertAlmostEquals, assertEquals, assertNotEquals } from "@std/assert";

const model = { patchSize: 4, patchLength: 8, hidden: 128, patchLayers: 1, byteLayers: 1, byteHidden: 64 };
const table = parameterTable(model);
const random = initialParameters(table, 5);
const bits = initialParameters(table, 5, "bits");

const valuesOf = (values: Float32Array, { offset, length }: Parameter) =>
  values.subarray(offset, offset + length);
const isByteTable = ({ name }: Parameter) =>
  name.endsWith("patch_embedding.weight") || /base.*\bwte\.weight$/.test(name);
const tables = table.parameters.filter((parameter) => isByteTable(parameter) && parameter.trained);

/** Rows of the first table of bytes in a parameter, as they lie in the flat storage. */
function rowsOf(values: Float32Array, parameter: Parameter, nth = 0): Float32Array[] {
  const columns = parameter.shape[parameter.transposed ? 0 : 1]!;
  const own = valuesOf(values, parameter).subarray(nth * vocabularySize * columns);
  return Array.from({ length: vocabularySize }, (_, id) => own.subarray(id * columns, (id + 1) * columns));
}

const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
const differingBits = (a: number, b: number) => [...(a ^ b).toString(2)].filter((bit) => bit === "1").length;

Deno.test("there is a table of bytes at each level", () => {
  assertEquals(tables.map(({ shape }) => shape), [[128, 4 * 257], [257, 64]]);
});

for (const parameter of tables) {
  Deno.test(`${parameter.name}: bytes are the more alike the more bits they share`, () => {
    const rows = rowsOf(bits, parameter);
    const columns = rows[0]!.length;
    const likeness = new Map<number, { sum: number; count: number }>();
    for (let a = 0; a < 256; a++) {
      for (let b = 0; b < a; b++) {
        const mean = likeness.get(differingBits(a, b)) ?? { sum: 0, count: 0 };
        likeness.set(differingBits(a, b), mean);
        mean.sum += dot(rows[a]!, rows[b]!) / columns / 0.02 ** 2;
        mean.count++;
      }
    }
    // Each shared bit adds an eighth of 0.99 of the variance, each other takes as much; averaged over draws of 64 numbers.
    for (const [differing, { sum, count }] of likeness) {
      assertAlmostEquals(sum / count, 0.99 * (8 - 2 * differing) / 8, 0.15, `${differing} bits differ`);
    }
    assertEquals(likeness.size, 8);
  });

  Deno.test(`${parameter.name}: rows have the published deviation, and none is a sum of others`, () => {
    const rows = rowsOf(bits, parameter);
    const values = valuesOf(bits, parameter);
    assertAlmostEquals(Math.sqrt(dot(values, values) / values.length), 0.02, 0.003);
    // Bits alone would make row(3) + row(0) = row(1) + row(2).
    const excess = rows[3]!.map((value, i) => value + rows[0]![i]! - rows[1]![i]! - rows[2]![i]!);
    assert(Math.sqrt(dot(excess, excess) / excess.length) > 0.02 * 0.1);
    for (let id = 0; id < 256; id++) {
      assert(Math.abs(dot(rows[256]!, rows[id]!)) < 0.6 * dot(rows[256]!, rows[256]!));
    }
  });
}

Deno.test("the tables of a patch's positions start apart, and another seed starts otherwise", () => {
  const patchEmbedding = tables[0]!;
  assertNotEquals(rowsOf(bits, patchEmbedding, 0)[65], rowsOf(bits, patchEmbedding, 1)[65]);
  assertNotEquals(
    rowsOf(bits, patchEmbedding)[65],
    rowsOf(initialParameters(table, 6, "bits"), patchEmbedding)[65],
  );
  assertEquals(initialParameters(table, 5, "bits"), bits);
});

Deno.test("all other parameters start as they do without", () => {
  for (const parameter of table.parameters) {
    const same = valuesOf(bits, parameter).every((value, i) => value === valuesOf(random, parameter)[i]);
    assertEquals(same, !tables.includes(parameter), parameter.name);
  }
});

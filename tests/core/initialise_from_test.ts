import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { byteTableName, initialParameters, parametersFrom, parameterTable } from "@bgpt/core";
import type { Checkpoint, Parameter, ParameterTable } from "@bgpt/core";

const model = { patchSize: 4, patchLength: 6, hidden: 64, patchLayers: 1, byteLayers: 1 };
const checkpoint: Checkpoint = { model, parameters: initialParameters(parameterTable(model), 1) };

function find(table: ParameterTable, name: string): Parameter {
  return table.parameters.find((parameter) => parameter.name === name)!;
}

function valuesOf(table: ParameterTable, flat: Float32Array, name: string): Float32Array {
  const { offset, length } = find(table, name);
  return flat.subarray(offset, offset + length);
}

Deno.test("a model of the same sizes starts with every weight of the checkpoint", () => {
  const { parameters, fresh, dropped } = parametersFrom(checkpoint, parameterTable(model), { seed: 2 });
  assertEquals([fresh, dropped], [[], []]);
  assertEquals(parameters, checkpoint.parameters);
});

Deno.test("with another patch length the positions that both have are kept, the others are fresh", () => {
  const positions = "patch_level_decoder.base.wpe.weight";
  const known = valuesOf(parameterTable(model), checkpoint.parameters, positions);
  for (const patchLength of [3, 9]) {
    const table = parameterTable({ ...model, patchLength });
    const { parameters, fresh } = parametersFrom(checkpoint, table, { seed: 2 });
    const rows = valuesOf(table, parameters, positions);
    const shared = Math.min(known.length, rows.length);
    assertEquals([fresh, rows.subarray(0, shared)], [[], known.subarray(0, shared)]);
    const fresher = valuesOf(table, initialParameters(table, 2), positions);
    assertEquals(rows.subarray(shared), fresher.subarray(shared));
    const last = "byte_level_decoder.base.transformer.ln_f.weight";
    assertEquals(
      valuesOf(table, parameters, last),
      valuesOf(parameterTable(model), checkpoint.parameters, last),
    );
  }
});

Deno.test("what the checkpoint has and the model does not is named", () => {
  const sizes = { ...model, byteWindow: 8, ngramRows: 64, byteConvolution: 4 };
  const start = { model: sizes, parameters: initialParameters(parameterTable(sizes), 1) };
  const { byteConvolution: _, ngramRows: __, ...less } = sizes;
  assertEquals(parametersFrom(start, parameterTable(less), { seed: 2 }).dropped, [
    "byte_level_decoder.ngrams.weight",
    "byte_level_decoder.convolution.norm.weight",
    "byte_level_decoder.convolution.norm.bias",
    "byte_level_decoder.convolution.weight",
  ]);
  const rotary = parameterTable({ ...sizes, positions: "rotary" }, 2);
  const positions = "patch_level_decoder.base.wpe.weight";
  assertEquals(parametersFrom(start, rotary, { seed: 2 }, ["a", "b"]).dropped, [positions]);
});

Deno.test("a classifier takes the patch level of a generative checkpoint, and a head of its own", () => {
  const table = parameterTable(model, 3);
  const { parameters, fresh, dropped } = parametersFrom(checkpoint, table, { seed: 2 });
  assertEquals([fresh, dropped], [["classifier.weight", "classifier.bias"], []]);
  const inherited = "patch_level_decoder.base.h.0.mlp.c_fc.weight";
  assertEquals(
    valuesOf(table, parameters, inherited),
    valuesOf(parameterTable(model), checkpoint.parameters, inherited),
  );
  assertNotEquals(
    valuesOf(table, initialParameters(table, 2), inherited),
    valuesOf(table, parameters, inherited),
  );
});

Deno.test("a generative model takes the patch level of a classifier and says what starts fresh", () => {
  const labels = ["cat.bmp", "dog.bmp", "bird.bmp"];
  const classifier = {
    model,
    labels,
    parameters: initialParameters(parameterTable(model, labels.length), 1),
  };
  const { fresh, dropped } = parametersFrom(classifier, parameterTable(model), { seed: 2 });
  assertEquals(dropped, ["classifier.weight", "classifier.bias"]);
  assert(fresh.length > 10 && fresh.every((name) => name.startsWith("byte_level_decoder.")), `${fresh}`);
});

Deno.test("a table of bytes that starts fresh starts as it is told to", () => {
  const classifier = {
    model,
    labels: ["a", "b"],
    parameters: initialParameters(parameterTable(model, 2), 1),
  };
  const table = parameterTable(model);
  const { offset, length } = table.parameters.find(({ name }) => name === byteTableName)!;
  const { parameters } = parametersFrom(classifier, table, { seed: 2, byteTables: "bits" });
  const expected = initialParameters(table, 2, "bits");
  assertEquals(parameters.subarray(offset, offset + length), expected.subarray(offset, offset + length));
});

Deno.test("other sizes are refused with the parameter and both shapes", () => {
  assertThrows(
    () => parametersFrom(checkpoint, parameterTable({ ...model, hidden: 128 }), { seed: 2 }),
    RangeError,
    "patch_level_decoder.patch_embedding.weight is [64,1028], the model needs [128,1028]",
  );
});

Deno.test("a classifier starts from one of the same classes with its head, from one of others with a head of its own", () => {
  const table = parameterTable(model, 2);
  const classifier = { model, labels: ["cat.bmp", "dog.bmp"], parameters: initialParameters(table, 1) };
  assertEquals(
    parametersFrom(classifier, table, { seed: 2 }, ["cat.bmp", "dog.bmp"]).parameters,
    classifier.parameters,
  );
  const head = ["classifier.weight", "classifier.bias"];
  assertEquals(parametersFrom(classifier, table, { seed: 2 }, ["dog.bmp", "owl.bmp"]).fresh, head);
  assertEquals(
    parametersFrom(classifier, parameterTable(model, 3), { seed: 2 }, ["a", "b", "c"]).fresh,
    head,
  );
});

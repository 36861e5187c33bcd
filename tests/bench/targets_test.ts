import { assertEquals } from "@std/assert";
import { targetRows } from "../../bench/targets.ts";

const record = { name: "", size: "official", seconds: 1, quartiles: [1, 1] as const, rounds: 1 };

/** What was measured, by what it is. */
function measured(...records: Parameters<typeof targetRows>[0]): Record<string, string> {
  return Object.fromEntries(targetRows(records).map(([what, , , value]) => [what, value!]));
}

Deno.test("what no record tells is said not to be measured", () => {
  assertEquals(new Set(Object.values(measured())), new Set(["not measured"]));
});

Deno.test("training stands beside PyTorch's at the same batch, by the faster of two ways to the GPU", () => {
  const train = { ...record, bench: "train", precision: "f32", batch: 4, name: "batch 4, dropout 0.1" };
  const peer = {
    ...record,
    bench: "peers",
    precision: "fp32",
    who: "torch 2",
    name: "train, batch 4",
    source: "peers",
  };
  const rows = measured(
    { ...train, source: "native", bytesPerSecond: 100 },
    { ...train, source: "dawn", bytesPerSecond: 300 },
    { ...peer, name: "train, batch 16", perSecond: 1 },
    { ...peer, perSecond: 200 },
  );
  assertEquals(rows["training, f32, to PyTorch fp32"], "batch 4: 1.50 x");
  assertEquals(rows["training, mixed, to the published fp16"], "batch 4: not measured");
});

Deno.test("batch 1 is not batch 16", () => {
  const train = { ...record, bench: "train", precision: "f32", source: "native" };
  const peer = { ...record, bench: "peers", precision: "fp32", who: "torch 2", source: "peers" };
  const rows = measured(
    { ...train, batch: 1, name: "batch 1, dropout 0.1", bytesPerSecond: 100 },
    { ...peer, name: "train, batch 16", perSecond: 1 },
    { ...peer, name: "train, batch 1", perSecond: 50 },
  );
  assertEquals(rows["training, f32, to PyTorch fp32"], "batch 1: 2.00 x");
});

Deno.test("the product on matrix units is that of mixed precision through Dawn, beside PyTorch's in bf16", () => {
  const machine = { ...record, bench: "machine", source: "dawn" };
  const peer = {
    ...record,
    bench: "peers",
    who: "torch 2",
    source: "peers",
    name: "product 4096 x 4096 x 4096",
  };
  const rows = measured(
    { ...machine, precision: "f32", matmulFlopsPerSecond: 20e12 },
    { ...machine, precision: "mixed", matmulFlopsPerSecond: 200e12 },
    { ...peer, precision: "fp32", perSecond: 50e12 },
    { ...peer, precision: "bf16", perSecond: 400e12 },
  );
  assertEquals(rows["product on matrix units, through Dawn"], "200 TFLOP/s; to PyTorch bf16: 0.50 x");
});

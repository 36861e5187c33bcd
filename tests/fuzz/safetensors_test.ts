import { fuzzTests } from "./fuzz.ts";
import { encodeSafetensors, parseSafetensors, SafetensorsError, type StoredTensor } from "@bgpt/core";
import { joined, mutate, mutateJson } from "./mutate.ts";

const tensor = (dtype: StoredTensor["dtype"], shape: number[], byteLength: number): StoredTensor => ({
  dtype,
  shape,
  data: new Uint8Array(byteLength).fill(7),
});

const seeds = [
  encodeSafetensors(
    new Map([
      ["a.weight", tensor("F32", [2, 3], 24)],
      ["a.bias", tensor("F16", [3], 6)],
      ["empty", tensor("I64", [0, 5], 0)],
      ["scalar", tensor("F64", [], 8)],
    ]),
    { format: "pt" },
  ),
  encodeSafetensors(new Map([["byte", tensor("U8", [1], 1)]])),
];

fuzzTests({
  format: "safetensors",
  seeds,
  read: parseSafetensors,
  isOwnError: (error) => error instanceof SafetensorsError,
  mutateOwn: (random, seed) => {
    const headerBytes = Number(new DataView(seed.buffer, seed.byteOffset).getBigUint64(0, true));
    const header = mutateJson(random, new TextDecoder().decode(seed.subarray(8, 8 + headerBytes)));
    const text = new TextEncoder().encode(header);
    const length = new Uint8Array(8);
    new DataView(length.buffer).setBigUint64(0, BigInt(text.length), true);
    const file = joined(length, text, seed.subarray(8 + headerBytes));
    return random.below(8) === 0 ? mutate(random, file, seeds) : file;
  },
  // Tensors are views: what is asked for is the text of the header.
  mostBytes: { fixed: 1 << 16, perByte: 4 },
});

/** The published program's expected values in `../shared/fixtures/dev`, read for the parity tests. */
import {
  type Checkpoint,
  float32Of,
  importTorchCheckpoint,
  packStrip,
  parseSafetensors,
  readTorchCheckpoint,
  type Strip,
} from "@bgpt/core";
import { readGzip, sharedPath } from "../shared.ts";

/** Everything a parity test compares with. */
export interface Fixture {
  readonly checkpoint: Checkpoint;
  readonly strip: Strip;
  readonly patchCounts: readonly number[];
  /** One expected tensor by its name in `expected.safetensors`. */
  expected(name: string): { shape: readonly number[]; values: Float32Array };
  readonly expectedNames: readonly string[];
}

/** The development fixture; call it only within a `sharedTest`. */
export async function loadFixture(): Promise<Fixture> {
  const path = (name: string) => sharedPath("fixtures", "dev", name)!;
  const checkpoint = importTorchCheckpoint(
    readTorchCheckpoint(await readGzip(path("weights.pth.gz"))),
    "weights.pth",
  );
  const inputs = JSON.parse(await Deno.readTextFile(path("inputs.json")));
  const files = (inputs.read_bytes as { tokens: number[] }[]).map(({ tokens }) => Uint16Array.from(tokens));
  const patchCounts = files.map((tokens) => tokens.length / checkpoint.model.patchSize);
  const patchCount = patchCounts.reduce((sum, count) => sum + count, 0);
  const { tensors } = parseSafetensors(await Deno.readFile(path("expected.safetensors")));
  return {
    checkpoint,
    // A few patches of padding behind the files, so that it is tested too.
    strip: packStrip(files.map((tokens) => ({ tokens })), patchCount + 3, checkpoint.model.patchSize),
    patchCounts,
    expected: (name) => {
      const tensor = tensors.get(name)!;
      const values = tensor.dtype === "F32"
        ? float32Of(tensor)
        : Float32Array.from(new Int32Array(tensor.data.slice().buffer));
      return { shape: tensor.shape, values };
    },
    expectedNames: [...tensors.keys()],
  };
}

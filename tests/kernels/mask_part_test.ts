/** Strips that are parts of a longer one get their parts of its dropout masks. */
import {
  attention,
  attentionBackward,
  byteAttention,
  byteAttentionBackward,
  dropout,
  encodeStep,
  type Engine,
} from "@bgpt/kernels";
import { engineTest } from "../engines.ts";
import { assertClose, randomFloats, runKernel, type Values } from "./compare.ts";

/** Patches of the longer strip, and where its second part begins: two files each. */
const [patches, cut] = [40, 23];
const [H, D, S] = [2, 16, 4];
const fileStart = Uint32Array.from(
  { length: patches },
  (_, p) => [0, 9, 23, 31].findLast((start) => start <= p)!,
);
const words = { dropoutSeed: 5, dropoutRate: 0.4 };
const whole = encodeStep(words);
const part = encodeStep({ ...words, firstPatch: cut });

/** The rows of the part in values with so many to a patch. */
function ofPart(values: Float32Array, perPatch: number): Float32Array {
  return values.subarray(cut * perPatch);
}

/** Both strips' results, row by row. */
async function assertPart(
  engine: Engine,
  names: readonly string[],
  run: (engine: Engine) => Promise<readonly [whole: Values, part: Values]>,
): Promise<void> {
  const [long, short] = await run(engine);
  for (const name of names) {
    const [all, own] = [long[name] as Float32Array, short[name] as Float32Array];
    const expected = ofPart(all, all.length / patches);
    assertClose(own, expected, { absolute: 1e-5, relative: 1e-5 }, name);
  }
}

engineTest("a part of a strip drops the elements that the whole strip drops there", async (engine) => {
  const C = H * D;
  const x = randomFloats(patches * C, 1);
  await assertPart(engine, ["y"], async (engine) => [
    await runKernel(engine, dropout, { length: x.length, stream: 3, residual: false }, { step: whole, x }),
    await runKernel(
      engine,
      dropout,
      { length: (patches - cut) * C, stream: 3, residual: false, maskStride: C },
      { step: part, x: ofPart(x, C) },
    ),
  ]);
});

engineTest(
  "attention in a part of a strip drops the weights that the whole strip drops there",
  async (engine) => {
    const C = H * D;
    const qkv = randomFloats(patches * 3 * C, 2);
    const dOut = randomFloats(patches * C, 3);
    const longShape = { P: patches, H, D, dropout: true, stream: 4 };
    const shortShape = { ...longShape, P: patches - cut, maskRows: patches, maskStride: patches + 1 };
    const short = {
      step: part,
      fileStart: fileStart.slice(cut).map((start) => start - cut),
      qkv: ofPart(qkv, 3 * C),
    };
    const long = { step: whole, fileStart, qkv };
    await assertPart(engine, ["out", "dQkv"], async (engine) => {
      const both = async (
        shape: typeof longShape,
        inputs: typeof long,
        dOut: Float32Array,
      ): Promise<Values> => {
        const forward = await runKernel(engine, attention, shape, inputs);
        const { dQkv } = await runKernel(engine, attentionBackward, shape, {
          ...inputs,
          ...{ out: forward.out!, logSumExp: forward.logSumExp!, dOut },
        });
        return { out: forward.out!, dQkv: dQkv! };
      };
      return [await both(longShape, long, dOut), await both(shortShape, short, ofPart(dOut, C))];
    });
  },
);

engineTest(
  "attention of bytes in a part of a strip drops the weights that the whole strip drops there",
  async (engine) => {
    const C = H * D;
    const qkv = randomFloats(patches * S * 3 * C, 4);
    const dOut = randomFloats(patches * S * C, 5);
    const longShape = { N: patches, S, H, D, dropout: true, stream: 2 };
    const shortShape = { ...longShape, N: patches - cut, maskStride: H * S * S };
    const short = { step: part, qkv: ofPart(qkv, S * 3 * C), dOut: ofPart(dOut, S * C) };
    await assertPart(engine, ["out"], async (engine) => [
      await runKernel(engine, byteAttention, longShape, { step: whole, qkv }),
      await runKernel(engine, byteAttention, shortShape, short),
    ]);
    await assertPart(engine, ["dQkv"], async (engine) => [
      await runKernel(engine, byteAttentionBackward, longShape, { step: whole, qkv, dOut }),
      await runKernel(engine, byteAttentionBackward, shortShape, short),
    ]);
  },
);

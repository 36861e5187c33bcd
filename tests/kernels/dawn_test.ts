import { layerNorm } from "@bgpt/kernels";
import { dawnTest } from "../dawn.ts";
import { compareWithReference, randomFloats } from "./compare.ts";

dawnTest("a kernel agrees with the reference on Dawn", async (engine) => {
  const shape = { R: 17, C: 33 };
  const inputs = { x: randomFloats(17 * 33, 1), weight: randomFloats(33, 2), bias: randomFloats(33, 3) };
  await compareWithReference(engine, layerNorm, shape, inputs);
});

import { assertEquals } from "@std/assert";
import {
  byteTableName,
  type Config,
  packStrip,
  parameterTable,
  patchStack,
  type Strip,
  type TrainedShare,
  Trainer,
  trainingPlan,
} from "@bgpt/core";
import { type Engine, ReferenceEngine } from "@bgpt/kernels";
import { engineTest } from "../engines.ts";
import { smallCapacity, smallConfig } from "./small_checkpoint.ts";

const config: Config = { ...smallConfig, dropout: 0.1, accumulate: 2 };
const table = parameterTable(config);

/** A file of one byte over and over. */
function stripOf(byte: number): Strip {
  return packStrip(
    [{ tokens: new Uint16Array(5 * config.patchSize).fill(byte) }],
    smallCapacity,
    config.patchSize,
  );
}

/** What a single rank takes of a step: all of it. */
function sharesOf(strips: readonly Strip[]): TrainedShare[] {
  return strips.map((strip) => ({ strips: [strip], lossWeight: strip.lossWeight }));
}

/** A trainer after a step, some of its weights then changed. */
async function trainerWith(engine: Engine, poison: (parameters: Float32Array) => void): Promise<Trainer> {
  const trainer = await Trainer.create(engine, config, trainingPlan(config, smallCapacity));
  trainer.train([stripOf(1), stripOf(2)]);
  const state = await trainer.state();
  poison(state.parameters);
  trainer.restore(state);
  return trainer;
}

/** Sets the weights of the row of a byte in the byte embedding, which is the output head too. */
function poisonByte(byte: number, value: number) {
  const { offset } = table.parameters.find(({ name }) => name === byteTableName)!;
  return (parameters: Float32Array) =>
    void parameters.fill(value, offset + byte * config.hidden, offset + (byte + 1) * config.hidden);
}

/** Registers a test on the reference engine and on every other. */
function everyEngineTest(name: string, run: (engine: Engine) => Promise<void>): void {
  Deno.test(`reference: ${name}`, () => run(new ReferenceEngine()));
  engineTest(name, run);
}

everyEngineTest("of a good step no tensor is bad, although some are not used", async (engine) => {
  const trainer = await trainerWith(engine, () => {});
  assertEquals(await trainer.diagnose(2, sharesOf([stripOf(3), stripOf(4)])), undefined);
  trainer.destroy();
});

everyEngineTest("a parameter that is no number is named", async (engine) => {
  const trainer = await trainerWith(engine, poisonByte(7, NaN));
  assertEquals(await trainer.diagnose(2, sharesOf([stripOf(3), stripOf(4)])), {
    tensor: byteTableName,
    value: NaN,
  });
  trainer.destroy();
});

everyEngineTest("what overflows is named, with the call that it comes from", async (engine) => {
  // Nearly the largest number of f32, beyond which any product with a number above 1 is.
  const trainer = await trainerWith(engine, (parameters) => {
    const { offset, length } = table.parameters.find(({ name }) => name === `${patchStack}ln_f.weight`)!;
    parameters.fill(3.4e38, offset, offset + length);
  });
  const bad = await trainer.diagnose(2, sharesOf([stripOf(3), stripOf(4)]));
  const { tensor, call } = bad!;
  assertEquals({ tensor, call }, { tensor: "patch.ln_f.y", call: "patch.ln_f" });
  trainer.destroy();
});

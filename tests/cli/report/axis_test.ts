import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import fc from "../../fast_check.ts";
import { axisOf } from "../../../cli/report/axis.ts";

const labels = (...given: Parameters<typeof axisOf>) => axisOf(...given).ticks.map(({ label }) => label);

Deno.test("a rounded axis starts and ends on ticks", () => {
  assertEquals(labels([0.93, 5.54], { rounded: true }), ["0", "1", "2", "3", "4", "5", "6"]);
  assertEquals(labels([-0.2, 0.21], { rounded: true }), ["-0.2", "-0.1", "0", "0.1", "0.2", "0.3"]);
  const { ticks } = axisOf([0.93, 5.54], { rounded: true });
  assertEquals([ticks[0]?.place, ticks.at(-1)?.place], [0, 1]);
});

Deno.test("an axis of steps starts at 0 and shortens thousands", () => {
  assertEquals(labels([1, 1200], { fromZero: true }), ["0", "200", "400", "600", "800", "1,000", "1,200"]);
  assertEquals(labels([10, 60_000], { fromZero: true }), ["0", "10k", "20k", "30k", "40k", "50k", "60k"]);
  assertEquals(labels([900, 1000], { fromZero: true }), ["900", "920", "940", "960", "980", "1,000"]);
});

Deno.test("small values are written in powers of ten", () => {
  assertEquals(labels([0, 3e-4], { rounded: true }), [
    "0",
    "5e-5",
    "1e-4",
    "1.5e-4",
    "2e-4",
    "2.5e-4",
    "3e-4",
  ]);
});

Deno.test("a logarithmic axis has ticks at 1, 2 and 5 times the powers of ten, or at the powers alone", () => {
  assertEquals(labels([0.15, 7], { logarithmic: true }), ["0.2", "0.5", "1", "2", "5"]);
  assertEquals(labels([1e-3, 1e3], { logarithmic: true }), [
    "0.001",
    "0.01",
    "0.1",
    "1",
    "10",
    "100",
    "1,000",
  ]);
  assertEquals(labels([2, 3], { logarithmic: true }), ["2.0", "2.2", "2.4", "2.6", "2.8", "3.0"]);
});

Deno.test("what cannot be drawn has no place and does not stretch the axis", () => {
  const axis = axisOf([1, NaN, Infinity, -5, 0, 100], { logarithmic: true });
  assertAlmostEquals(axis.place(10), 0.5);
  assertEquals([axis.place(0), axis.place(-5)], [NaN, NaN]);
});

Deno.test("every axis, of whatever values, has some ticks within its ends, each with a label of its own", () => {
  // Numbers so small that a decade is no f64 any more are taken as 0.
  const value = fc.double({ noDefaultInfinity: true, min: -1e15, max: 1e15 })
    .map((value) => Math.abs(value) < 1e-300 ? 0 : value);
  const nearlyEqual = fc.tuple(value, fc.integer({ min: 1, max: 12 }))
    .map(([value, digits]) => [value, value * (1 + 10 ** -digits)]);
  const values = fc.oneof(fc.array(value, { maxLength: 6 }), nearlyEqual);
  const options = fc.record({ logarithmic: fc.boolean(), rounded: fc.boolean(), fromZero: fc.boolean() });
  fc.assert(
    fc.property(values, options, (values, options) => {
      const { ticks, place } = axisOf(values, options);
      assert(ticks.length >= 1 && ticks.length <= 30, `${ticks.length} ticks`);
      assertEquals(new Set(ticks.map(({ label }) => label)).size, ticks.length, "ticks share a label");
      for (const tick of ticks) {
        assert(tick.place >= -1e-6 && tick.place <= 1 + 1e-6, `tick at ${tick.place}`);
        assert(tick.label !== "" && !tick.label.includes("NaN"), tick.label);
      }
      for (const value of values) {
        const at = place(value);
        assert(Number.isNaN(at) || (at >= -1e-6 && at <= 1 + 1e-6), `${value} at ${at}`);
      }
    }),
    { examples: [[[-468161165767676.56], { logarithmic: false, rounded: false, fromZero: false }]] },
  );
});

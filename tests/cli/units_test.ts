import { assertEquals } from "@std/assert";
import { formatBytes, formatCount, formatDuration, formatRate } from "../../cli/units.ts";

Deno.test("durations have the two largest units that matter", () => {
  const durations: readonly [number, string][] = [
    [0, "0.0 s"],
    [0.84, "0.8 s"],
    [9.94, "9.9 s"],
    [9.96, "10 s"],
    [59.4, "59 s"],
    [59.6, "1 min 00 s"],
    [185, "3 min 05 s"],
    [3599.6, "1 h 00 min"],
    [7620, "2 h 07 min"],
    [86399, "1 d 00 h"],
    [270_000, "3 d 03 h"],
    [Infinity, "unknown"],
  ];
  for (const [seconds, text] of durations) assertEquals(formatDuration(seconds), text);
});

Deno.test("sizes and rates have three digits and their unit", () => {
  assertEquals([0, 512, 1023, 1024, 1536, 12 * 1024 ** 3].map(formatBytes), [
    "0 B",
    "512 B",
    "1023 B",
    "1.00 KiB",
    "1.50 KiB",
    "12.0 GiB",
  ]);
  assertEquals([0.5, 950, 12_345, 999_960].map((rate) => formatRate(rate, "B")), [
    "0.5 B/s",
    "950 B/s",
    "12.3 kB/s",
    "1.00 MB/s",
  ]);
  assertEquals(formatRate(1.2e9, "FLOP"), "1.20 GFLOP/s");
});

Deno.test("counts agree with their noun", () => {
  assertEquals([0, 1, 12_000].map((count) => formatCount(count, "file")), [
    "0 files",
    "1 file",
    "12,000 files",
  ]);
});

/** What the processor could do at most: independent multiply-adds on registers. */
import asc from "assemblyscript/asc";
import { bestTime } from "./best_time.ts";

/** The processor's rate of 128-bit fused multiply-adds, in GFLOP/s on one thread: twelve independent sums. */
export async function multiplyAddGigaflops(): Promise<number> {
  const [rounds, sums] = [100_000, [...Array(12).keys()]];
  // The factors come from memory, because V8 would make constants anew for every use.
  const source = `export function multiplyAdds(): f32 {
  const x = v128.load32_splat(0), y = v128.load32_splat(4);
  ${sums.map((i) => `let s${i} = f32x4.splat(${i});`).join(" ")}
  for (let round = 0; round < ${rounds}; round++) {
    ${sums.map((i) => `s${i} = f32x4.relaxed_madd(x, y, s${i});`).join(" ")}
  }
  return f32x4.extract_lane(${sums.map((i) => `s${i}`).reduce((a, b) => `f32x4.add(${a}, ${b})`)}, 0);
}`;
  let wasm: Uint8Array<ArrayBuffer> | undefined;
  const { error } = await asc.main(
    [
      "rate.ts",
      "--outFile",
      "rate.wasm",
      "-O3",
      "--runtime",
      "stub",
      "--initialMemory",
      "1",
      "--enable",
      "simd,relaxed-simd",
    ],
    {
      readFile: (name: string) => name === "rate.ts" ? source : null,
      writeFile: (_name: string, contents: Uint8Array | string) => {
        if (typeof contents !== "string") wasm = new Uint8Array(contents);
      },
      listFiles: () => [],
    },
  );
  if (error !== null || wasm === undefined) {
    throw new Error("Cannot compile the loop of multiply-adds", { cause: error });
  }
  const { instance } = await WebAssembly.instantiate(wasm, {});
  const multiplyAdds = instance.exports["multiplyAdds"] as () => number;
  // V8 swaps in its optimised code between calls.
  await bestTime(async () => {
    multiplyAdds();
    await new Promise((resolve) => setTimeout(resolve, 0));
  }, 500);
  const { wall } = await bestTime(() => void multiplyAdds(), 1000);
  return rounds * sums.length * 8 / wall / 1e6;
}

import { fuzzTests } from "./fuzz.ts";
import { encodeBmp, imageFile } from "@bgpt/tasks/media";
import { assertThrows } from "@std/assert";
import { gradient } from "../tasks/media/pictures.ts";
import { joined } from "./mutate.ts";

const plain = encodeBmp({ width: 5, height: 3, pixels: gradient.pixels.slice(0, 45) });
const palette = joined(
  plain.subarray(0, 54),
  Uint8Array.from({ length: 1024 }, (_, i) => i),
  new Uint8Array(24),
);
{
  const view = new DataView(palette.buffer);
  view.setUint32(10, 54 + 1024, true);
  view.setUint16(28, 8, true);
}

fuzzTests({
  format: "bmp",
  seeds: [plain, palette],
  // What a folder of pictures goes through: which decoder follows from the first bytes.
  read: imageFile,
  isOwnError: (error) => error instanceof SyntaxError,
  // While it is resized, each row takes 32 pixels in f64.
  mostBytes: { fixed: 1 << 16, perByte: 1024 },
});

Deno.test("a BMP of 65,535 × 65,535 pixels, and one that is a single long column, are refused by their headers", () => {
  const sized = (width: number, height: number) => {
    const file = plain.slice();
    new DataView(file.buffer).setInt32(18, width, true);
    new DataView(file.buffer).setInt32(22, height, true);
    return file;
  };
  const refused = (bytes: Uint8Array, problem: string) =>
    assertThrows(() => imageFile(bytes), SyntaxError, `Cannot read BMP: ${problem}`);
  refused(sized(65_535, 65_535), "it is 65535 × 65535 pixels, at most");
  refused(sized(1, -(2 ** 31)), "it is 1 × 2147483648 pixels, at most");
  refused(sized(8000, 8000), "it has 102 bytes, 8000 × 8000 pixels of 24 bits need");
});

import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "../../fast_check.ts";
import { TorchCheckpointError } from "@bgpt/core";
import { crc32 } from "../../../core/torch/crc32.ts";
import { StoredZip } from "../../../core/torch/zip.ts";
import { bytesOf, zipOf } from "./torch_bytes.ts";

const files: [string, Uint8Array][] = [["a/data.pkl", bytesOf("pickle")], ["a/data/0", bytesOf(1, 2, 3)]];

function assertRefused(read: () => unknown, problem: string): void {
  assertThrows(read, TorchCheckpointError, `Cannot read PyTorch checkpoint: ${problem}`);
}

Deno.test("the checksum is the one of zip files", () => {
  assertEquals(crc32(bytesOf("123456789")), 0xcbf43926); // the check value of the catalogue of CRCs
  assertEquals(crc32(bytesOf("")), 0);
});

Deno.test("stored files are read as views, with and without zip64, with and without a comment", () => {
  for (const zip64 of [false, true]) {
    for (const comment of ["", "PK\x05\x06 and more"]) {
      const bytes = zipOf(files, { zip64, comment });
      const zip = new StoredZip(bytes);
      assertEquals(zip.names(), ["a/data.pkl", "a/data/0"]);
      for (const [name, data] of files) {
        assertEquals(zip.read(name), data);
        assert(zip.read(name).buffer === bytes.buffer);
      }
    }
  }
});

Deno.test("compressed and encrypted files are refused by name", () => {
  assertRefused(
    () => new StoredZip(zipOf(files, { method: 8 })),
    'file "a/data.pkl" of its zip is compressed (method 8)',
  );
  assertRefused(() => new StoredZip(zipOf(files, { flags: 1 })), 'file "a/data.pkl" of its zip is encrypted');
});

Deno.test("names that lead outside are refused", () => {
  for (const name of ["../a", "a/../../b", "/a", "c:/a", "a\\b", "a\0b"]) {
    const zip = zipOf([[name, bytesOf(1)]]);
    assertRefused(
      () => new StoredZip(zip),
      `its zip has a file whose name leads outside of it, ${JSON.stringify(name)}`,
    );
  }
});

Deno.test("a name that stands twice is refused, and one that is missing cannot be read", () => {
  assertRefused(() => new StoredZip(zipOf([...files, ...files])), 'its zip has file "a/data.pkl" twice');
  assertRefused(() => new StoredZip(zipOf(files)).read("a/data/1"), 'its zip has no file "a/data/1"');
});

Deno.test("a file with a wrong byte is refused when it is read", () => {
  const bytes = zipOf([["a", bytesOf("content")]]);
  bytes[bytes.indexOf("content".charCodeAt(0))]! ^= 1;
  assertRefused(() => new StoredZip(bytes).read("a"), 'file "a" of its zip is damaged (wrong checksum)');
});

Deno.test("a file that was cut off is refused at any length", () => {
  const bytes = zipOf(files);
  for (let length = 0; length < bytes.length; length++) {
    assertRefused(() => new StoredZip(bytes.subarray(0, length)), "it is not a complete zip");
  }
});

Deno.test("a damaged zip is read or refused with the one error", () => {
  let refusals = 0;
  const property = fc.property(fc.boolean(), fc.nat(), fc.nat(255), (zip64, at, value) => {
    const bytes = zipOf(files, { zip64 });
    bytes[at % bytes.length] = value;
    try {
      const zip = new StoredZip(bytes);
      zip.names().forEach((name) => zip.read(name));
    } catch (error) {
      assert(error instanceof TorchCheckpointError, `${error}`);
      refusals++;
    }
  });
  fc.assert(property, { numRuns: 3000 });
  assert(refusals > 1000, `${refusals}`);
});

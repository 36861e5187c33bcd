import { assertEquals } from "@std/assert";
import { crc32c } from "@bgpt/core";

const bytesOf = (text: string) => new TextEncoder().encode(text);

Deno.test("crc32c() gives the check values of the RFC", () => {
  assertEquals(crc32c(bytesOf("123456789")), 0xe3069283);
  // RFC 3720, appendix B.4
  assertEquals(crc32c(new Uint8Array(32)), 0x8a9136aa);
  assertEquals(crc32c(new Uint8Array(32).fill(0xff)), 0x62a8ab43);
  assertEquals(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i)), 0x46dd794e);
  assertEquals(crc32c(new Uint8Array()), 0);
  assertEquals(crc32c(bytesOf("6789"), crc32c(bytesOf("12345"))), 0xe3069283);
});

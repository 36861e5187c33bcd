import { fuzzTests } from "./fuzz.ts";
import { TarWriter } from "@bgpt/core/files";
import { assertEquals, assertThrows } from "@std/assert";
import { tarChecksum } from "../../core/files/tar_header.ts";
import { type TarMember, tarMembers } from "../../core/files/tar_members.ts";
import { joined, mutate, mutateParts, pick } from "./mutate.ts";

/** A tar in memory that allows no read beyond it. */
function membersOf(bytes: Uint8Array): TarMember[] {
  const read = (start: number, byteLength: number) => {
    if (start >= 0 && byteLength >= 0 && start + byteLength <= bytes.length) {
      return bytes.subarray(start, start + byteLength);
    }
    throw new Error(`bytes ${start} to ${start + byteLength} of ${bytes.length} are asked for`);
  };
  try {
    const members = [...tarMembers({ byteLength: bytes.length, read })];
    let end = 0;
    for (const { start, byteLength } of members) {
      if (start < end || start + byteLength > bytes.length) {
        throw new Error("members overlap or reach beyond the tar");
      }
      end = start + byteLength;
    }
    return members;
  } catch (error) {
    // As the reader of files has it.
    if (error instanceof SyntaxError) throw new SyntaxError(`Cannot read tar: ${error.message}`);
    throw error;
  }
}

const folder = Deno.makeTempDirSync();
{
  using tar = new TarWriter(`${folder}/a.tar`);
  for (const name of ["a.txt", "ü.txt", `${"long/".repeat(30)}a.txt`]) {
    tar.add(name, new Uint8Array(name.length * 5));
  }
  tar.close();
}
const plain = Deno.readFileSync(`${folder}/a.tar`);
Deno.removeSync(folder, { recursive: true });

/** A member with any fields and a true checksum. */
function member(name: string, type: string, content: string, size = content.length): Uint8Array {
  const header = new Uint8Array(512);
  const text = (value: string, at: number) => header.set(new TextEncoder().encode(value), at);
  text(name, 0);
  text(size.toString(8).padStart(11, "0"), 124);
  text(type, 156);
  text("ustar\x0000", 257);
  return joined(
    checked(header),
    new Uint8Array(Math.ceil(content.length / 512) * 512).map((_, i) => content.charCodeAt(i)),
  );
}

/** Its length counts itself. */
function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  const digits = rest.length + 1 < 10 ? 1 : 2;
  return `${rest.length + digits}${rest}`;
}

function checked(header: Uint8Array): Uint8Array {
  header.set(new TextEncoder().encode(`${tarChecksum(header).toString(8).padStart(6, "0")}\0 `), 148);
  return header;
}

const end = new Uint8Array(1024);
const gnu = joined(
  member("././@LongLink", "L", "x".repeat(600)),
  member("x", "0", "hello"),
  member("l", "2", ""),
  end,
);
const pax = joined(
  member("g", "g", "11 path=ab\n"),
  member("p", "x", "10 size=5\n"),
  member("x", "0", "hello"),
  end,
);
const seeds = [plain, gnu, pax];

fuzzTests({
  format: "tar",
  seeds,
  read: membersOf,
  isOwnError: (error) => error instanceof SyntaxError,
  mutateOwn: (random, seed) => {
    const blocks = Array.from({ length: seed.length / 512 }, (_, i) => seed.slice(512 * i, 512 * (i + 1)));
    const changed = joined(...mutateParts(random, blocks));
    for (let at = 0; at + 512 <= changed.length; at += 512) {
      const header = changed.subarray(at, at + 512);
      if (new TextDecoder().decode(header.subarray(257, 262)) !== "ustar") continue;
      if (random.below(4) === 0) header[156] = pick(random, [..."01234567LKxgSV"]).charCodeAt(0);
      checked(header);
    }
    return random.below(4) === 0 ? mutate(random, changed, seeds) : changed;
  },
  mostBytes: { fixed: 1 << 16, perByte: 4 },
});

Deno.test("links are no members, whatever they say they hold, and names that lead outside are names", () => {
  const tar = joined(
    member("soft", "2", "", 2 ** 30),
    member("hard", "1", "", 2 ** 30),
    member("../../etc/passwd", "0", "a"),
    member("/etc/passwd", "0", "b"),
    end,
  );
  assertEquals(membersOf(tar).map(({ name, byteLength }) => [name, byteLength]), [
    ["../../etc/passwd", 1],
    ["/etc/passwd", 1],
  ]);
});

Deno.test("sizes that lie are refused, in digits, in binary and in pax records", () => {
  const refuse = (bytes: Uint8Array, problem: string) =>
    assertThrows(() => membersOf(bytes), SyntaxError, problem);
  refuse(joined(member("a", "0", "", 2 ** 33 - 1), end), "says that it has 8589934591 bytes");
  for (const size of ["-1", "1e3", "0x10", "", " 5", "99999999999999999999"]) {
    const tar = joined(member("p", "x", paxRecord("size", size)), member("a", "0", "hello"), end);
    refuse(tar, `says that it has ${JSON.stringify(size)} bytes`);
  }
});

Deno.test("a global header of a hundred thousand records costs its reading, not that of every member", () => {
  const records = Array.from({ length: 80_000 }, (_, i) => paxRecord(`k${i.toString(36)}`, "v")).join("");
  const members = Array.from({ length: 2000 }, () => member("a", "0", ""));
  const start = performance.now();
  assertEquals(membersOf(joined(member("g", "g", records), ...members, end)).length, 2000);
  const ms = performance.now() - start;
  if (ms > 5000) throw new Error(`it took ${ms} ms`);
});

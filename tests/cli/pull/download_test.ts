import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { type Download, download } from "../../../cli/pull/download.ts";
import { inTempFolder, namesIn } from "../temp_folder.ts";
import { type Answer, type Asked, brokenOff, fileAnswer, sha256, WebServer } from "./web_server.ts";

const file = Uint8Array.from({ length: 100_000 }, (_, i) => (i * i) >> 3);
const hash = await sha256(file);
const linked = { "x-linked-etag": `"${hash}"`, "x-linked-size": file.length };

const hasty = { pausesMs: [1, 1, 1], stallMs: 300 };

/** A server, its file and a cache. */
class Scene {
  readonly #folder: string;
  readonly server: WebServer;

  constructor(folder: string, server: WebServer) {
    this.#folder = folder;
    this.server = server;
  }

  async pull(path = "/file", token?: string): Promise<Download> {
    const endpoint = new URL(this.server.origin);
    const access = { endpoint, ...(token && { token }) };
    return await download(new URL(path, endpoint), this.#folder, access, hasty);
  }

  async refusal(path?: string): Promise<string> {
    return (await assertRejects(() => this.pull(path), Error)).message;
  }

  /** The names in the cache without their hashes. */
  kept(): string[] {
    return namesIn(this.#folder).map((name) => name.replace(/^[0-9a-f]{64}/, "KEY"));
  }

  /** The path of the one file of the cache. */
  cached(): string {
    return join(this.#folder, namesIn(this.#folder)[0]!);
  }

  damage(change: (bytes: Uint8Array) => Uint8Array): void {
    Deno.writeFileSync(this.cached(), change(Deno.readFileSync(this.cached())));
  }
}

function pullTest(
  name: string,
  answer: (asked: Asked, count: number) => Answer,
  test: (scene: Scene) => Promise<void>,
): void {
  Deno.test(name, () =>
    inTempFolder(async (folder) => {
      using server = new WebServer(answer);
      await test(new Scene(folder, server));
    }));
}

async function assertWhole({ path, byteLength }: Download): Promise<void> {
  assertEquals(byteLength, file.length);
  assert(await sha256(await Deno.readFile(path)) === hash, "other bytes");
}

pullTest(
  "a transfer that breaks off again and again goes on where it was, for as long as something arrives",
  (asked) => brokenOff(fileAnswer(file, asked, linked), 12_000),
  async (scene) => {
    await assertWhole(await scene.pull());
    const ranges = scene.server.askedHeaders("range").filter((range) => range !== null);
    assertEquals(ranges, Array.from({ length: 8 }, (_, i) => `bytes=${12_000 * (i + 1)}-`));
    assertEquals(new Set(scene.server.askedHeaders("accept-encoding")), new Set(["identity"]));
    assertEquals(scene.kept(), ["KEY"]);
  },
);

pullTest(
  "a transfer that brings nothing more is given up after its pauses, and a later one goes on",
  (asked, count) => {
    if (count === 1) return brokenOff(fileAnswer(file, asked, linked), 70_000);
    return count < 5 ? { status: 503 } : fileAnswer(file, asked, linked);
  },
  async (scene) => {
    assertStringIncludes(
      await scene.refusal(),
      "answered 503, and 3 more attempts brought nothing new. What has arrived is kept",
    );
    assertEquals([scene.server.asked.length, scene.kept()], [4, ["KEY.part"]]);
    await assertWhole(await scene.pull());
    assertEquals(scene.server.askedHeaders("range").at(-1), "bytes=70000-");
  },
);

pullTest(
  "a server that knows no ranges is read from the start again",
  (asked, count) => {
    const whole = fileAnswer(file, { ...asked, headers: new Headers() }, linked);
    return count === 1 ? brokenOff(whole, 70_000) : whole;
  },
  async (scene) => await assertWhole(await scene.pull()),
);

pullTest(
  "a server that knows no ranges and always breaks off is given up",
  (asked) => brokenOff(fileAnswer(file, { ...asked, headers: new Headers() }, linked), 70_000),
  async (scene) => assertStringIncludes(await scene.refusal(), "the transfer broke off"),
);

for (
  const [what, answer] of [
    ["refuses the range (416)", { status: 416 }],
    ["sends another range", {
      status: 206,
      headers: { "content-range": "bytes 0-99999/100000" },
      body: file,
    }],
    ["sends a part without saying which", { status: 206, body: file.subarray(70_000) }],
  ] as const
) {
  pullTest(
    `a server that ${what} is read from the start again`,
    (asked, count) => {
      if (count === 1) return brokenOff(fileAnswer(file, asked, linked), 70_000);
      return asked.headers.has("range") ? answer : fileAnswer(file, asked, linked);
    },
    async (scene) => await assertWhole(await scene.pull()),
  );
}

pullTest(
  "a body that is shorter than was told is never taken for the file",
  () => ({ status: 200, headers: linked, body: file.subarray(0, 99_999) }),
  async (scene) => {
    assertStringIncludes(await scene.refusal(), "it ended at byte 99999 of 100000");
    assertEquals(scene.kept(), ["KEY.part"]);
  },
);

pullTest(
  "a body that is longer than was told is never taken for the file",
  () => ({ status: 200, headers: { ...linked, "x-linked-size": 60_000 }, body: file }),
  async (scene) => {
    assertStringIncludes(await scene.refusal(), `what came is not of hash ${hash}, as was told`);
    assertEquals(scene.kept(), []);
  },
);

pullTest(
  "bytes of another hash are refused at once and not kept",
  (asked) => fileAnswer(file.toReversed(), asked, linked),
  async (scene) => {
    assertStringIncludes(await scene.refusal(), `what came is not of hash ${hash}, as was told`);
    assertEquals([scene.server.asked.length, scene.kept()], [1, []]);
  },
);

pullTest(
  "a kept part that is damaged costs another transfer, not the file",
  (asked, count) => {
    const answer = fileAnswer(file, asked, linked);
    return count <= 7 ? brokenOff(answer, count === 1 ? 70_000 : 0) : answer;
  },
  async (scene) => {
    await scene.refusal();
    scene.damage((bytes) => bytes.fill(0, 5, 9));
    await assertWhole(await scene.pull());
    assertEquals(scene.kept(), ["KEY"]);
  },
);

pullTest(
  "small files of the hub are held to the hash that git gives them",
  (asked) => {
    const right = asked.path === "/right.txt";
    // What `git hash-object` says of "hello\n".
    const etag = right ? '"ce013625030ba8dba906f756967f9e9ca394464a"' : `"${"0".repeat(40)}"`;
    return { status: 200, headers: { etag }, body: new TextEncoder().encode("hello\n") };
  },
  async (scene) => {
    assertEquals((await scene.pull("/right.txt")).hash, "ce013625030ba8dba906f756967f9e9ca394464a");
    assertStringIncludes(await scene.refusal("/wrong.txt"), "what came is not of hash 0000");
  },
);

pullTest(
  "what is in the cache is not transferred again, unless it is damaged or another version is out",
  (asked, count) =>
    fileAnswer(count < 5 ? file : new Uint8Array(9), asked, count < 5 ? linked : { etag: '"new"' }),
  async (scene) => {
    assertEquals((await scene.pull()).fromCache, false);
    assertEquals((await scene.pull()).fromCache, true);
    scene.damage((bytes) => bytes.fill(1, 99_999));
    assertEquals((await scene.pull()).fromCache, false);
    const again = await scene.pull();
    assertEquals(again.fromCache, true);
    await assertWhole(again);
    const { fromCache, byteLength } = await scene.pull();
    assertEquals([fromCache, byteLength], [false, 9]);
  },
);

pullTest(
  "the part of one version is never continued with another",
  (asked, count) => {
    const etag = { etag: count === 1 ? '"first"' : '"second"' };
    return count === 1
      ? brokenOff(fileAnswer(file, asked, etag), 70_000)
      : fileAnswer(file.toReversed(), asked, etag);
  },
  async (scene) => {
    const { path } = await scene.pull();
    assertEquals(await Deno.readFile(path), file.toReversed());
  },
);

pullTest(
  "where no hash is told, the rest is asked for on condition that the etag is the same",
  (asked, count) => {
    const answer = fileAnswer(file, asked, { etag: '"first"' });
    return count === 1 ? brokenOff(answer, 70_000) : answer;
  },
  async (scene) => {
    await assertWhole(await scene.pull());
    assertEquals(scene.server.askedHeaders("if-range"), [null, null, '"first"']);
  },
);

pullTest(
  "where neither hash nor etag is told, nothing is kept and nothing continued",
  (asked, count) => count === 1 ? brokenOff(fileAnswer(file, asked), 70_000) : fileAnswer(file, asked),
  async (scene) => {
    await assertWhole(await scene.pull());
    assertEquals((await scene.pull()).fromCache, false);
    assertEquals(scene.server.askedHeaders("range"), [null, null, null]);
  },
);

Deno.test("a redirect to another host is followed without the token, and its bytes are held to the hub's hash", () =>
  inTempFolder(async (folder) => {
    using store = new WebServer((asked, count) => {
      const answer = fileAnswer(file, asked, { etag: '"of the store"' });
      return count === 1 ? brokenOff(answer, 70_000) : answer;
    });
    using hub = new WebServer(({ path }) =>
      path === "/old"
        ? { status: 307, headers: { location: "/file" } }
        : { status: 302, headers: { ...linked, location: `${store.origin}/blob?signature=x` } }
    );
    const scene = new Scene(folder, hub);
    await assertWhole(await scene.pull("/old", "secret"));
    assertEquals(new Set(hub.askedHeaders("authorization")), new Set(["Bearer secret"]));
    assertEquals(store.askedHeaders("authorization"), [null, null, null]);
    assertEquals(store.asked[0]!.path, "/blob?signature=x");
  }));

Deno.test("a redirect back to the hub, by another host, does not end", () =>
  inTempFolder(async (folder) => {
    let back = "";
    using other = new WebServer(() => ({ status: 302, headers: { location: back } }));
    using hub = new WebServer(() => ({ status: 302, headers: { location: `${other.origin}/` } }));
    back = `${hub.origin}/file`;
    const message = await new Scene(folder, hub).refusal();
    assertEquals(message, `Cannot pull ${hub.origin}/file: it redirects more than 10 times`);
    assertEquals(new Set(other.askedHeaders("authorization")), new Set([null]));
  }));

for (
  const [location, message] of [
    ["file:///etc/passwd", "it redirects to file://, which is not secure"],
    ["data:text/plain,x", "it redirects to data://, which is not secure"],
    [undefined, "it redirects to nowhere"],
  ] as const
) {
  pullTest(
    `a redirect to ${location ?? "nowhere"} is refused`,
    () => ({ status: 302, ...(location && { headers: { location } }) }),
    async (scene) => assertStringIncludes(await scene.refusal(), message),
  );
}

for (
  const [status, message] of [
    [401, "answered 401; it needs a login, or does not exist. Check the name, and set HF_TOKEN"],
    [403, "answered 403; access is refused. Accept its terms on its page"],
    [404, "answered 404; there is no such file. Check the name and the revision"],
    [418, "answered 418; try another address"],
    [204, "answered 204; try another address"],
    [206, "answered 206; try another address"],
  ] as const
) {
  pullTest(`answer ${status} is told once, with what helps`, () => ({ status }), async (scene) => {
    assertStringIncludes(await scene.refusal(), message);
    assertEquals([scene.server.asked.length, scene.kept()], [1, []]);
  });
}

pullTest(
  "a server in trouble is asked again",
  (asked, count) => count < 4 ? { status: [500, 429, 502][count - 1]! } : fileAnswer(file, asked, linked),
  async (scene) => await assertWhole(await scene.pull()),
);

pullTest(
  "a connection on which nothing comes is left, and the rest asked for on another",
  (asked, count) => {
    const answer = fileAnswer(file, asked, linked);
    return count === 1 ? { ...brokenOff(answer, 70_000), hangs: true } : answer;
  },
  async (scene) => {
    await assertWhole(await scene.pull());
    assertEquals(scene.server.askedHeaders("range").at(-1), "bytes=70000-");
  },
);

pullTest("a file of no bytes is a file", () => ({ status: 200, headers: { etag: '"0"' } }), async (scene) => {
  assertEquals((await scene.pull()).byteLength, 0);
});

Deno.test("a host that cannot be reached is told", () =>
  inTempFolder(async (folder) => {
    const server = new WebServer(() => ({ status: 200 }));
    const scene = new Scene(folder, server);
    server[Symbol.dispose]();
    assertStringIncludes(
      await scene.refusal(),
      `127.0.0.1:${new URL(server.origin).port} cannot be reached (Connection refused`,
    );
  }));

pullTest(
  "a part that another process writes is left alone",
  (asked, count) => brokenOff(fileAnswer(file, asked, linked), count === 1 ? 70_000 : 0),
  async (scene) => {
    await scene.refusal();
    using part = await Deno.open(scene.cached(), { write: true });
    await part.lock(true);
    assertStringIncludes(await scene.refusal(), "another process is at it");
  },
);

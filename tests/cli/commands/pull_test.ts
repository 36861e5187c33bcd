import { assertEquals, assertStringIncludes } from "@std/assert";
import { loadCheckpoint } from "@bgpt/core/files";
import { join } from "@std/path";
import { bgpt } from "../bgpt.ts";
import { writeCheckpoint } from "../checkpoints.ts";
import { fileAnswer, sha256, WebServer } from "../pull/web_server.ts";
import { assertRefused } from "../refused.ts";
import { inTempFolder, namesIn } from "../temp_folder.ts";

/** Deno's own cache, which must not move with the user's. */
const { denoDir } = JSON.parse(
  new TextDecoder().decode(
    (await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output()).stdout,
  ),
);

/** The environment of a program whose cache is in the folder. */
function environment(folder: string, hub: WebServer): Record<string, string> {
  return { DENO_DIR: denoDir, HF_ENDPOINT: hub.origin, XDG_CACHE_HOME: join(folder, "cache") };
}

/** A hub that serves the files of a folder, at one revision, to those who have the token. */
async function hubOf(folder: string, revision: string): Promise<WebServer> {
  const files = new Map<string, { bytes: Uint8Array; hash: string }>();
  for (const name of namesIn(folder)) {
    const bytes = await Deno.readFile(join(folder, name));
    files.set(`/someone/songs/resolve/${encodeURIComponent(revision)}/${name}`, {
      bytes,
      hash: await sha256(bytes),
    });
  }
  return new WebServer((asked) => {
    if (asked.headers.get("authorization") !== "Bearer secret") return { status: 401 };
    const file = files.get(asked.path);
    return file === undefined ? { status: 404 } : fileAnswer(file.bytes, asked, { etag: `"${file.hash}"` });
  });
}

Deno.test("pull fetches a checkpoint that loads, and takes it from the cache the next time", () =>
  inTempFolder(async (folder) => {
    const kept = await writeCheckpoint(join(folder, "kept"));
    using hub = await hubOf(join(folder, "kept"), "main");
    const env = { ...environment(folder, hub), HF_TOKEN: "secret" };
    const out = join(folder, "models", "songs");
    const pulled = await bgpt(["pull", "hf:someone/songs", "--out", out], env);
    assertEquals(pulled.code, 0, pulled.stderr);
    assertStringIncludes(pulled.stdout, "fetched, hash checked\n");
    assertStringIncludes(pulled.stdout, `Pulled to ${out}\n`);
    assertEquals((await loadCheckpoint(out)).checkpoint.parameters, kept.parameters);

    const again = await bgpt(["pull", "hf:someone/songs", "--out", join(folder, "again"), "--json"], env);
    assertEquals(JSON.parse(again.stdout).files.map(({ fromCache }: { fromCache: boolean }) => fromCache), [
      true,
      true,
    ]);
    assertEquals(namesIn(join(folder, "again")), ["config.json", "model.safetensors"]);
    assertEquals(namesIn(join(folder, "cache")), ["bgpt"]);
  }));

Deno.test("pull fetches one file of a revision, and says how a published checkpoint is imported", () =>
  inTempFolder(async (folder) => {
    await Deno.mkdir(join(folder, "kept"));
    await Deno.writeTextFile(join(folder, "kept", "weights.pth"), "weights");
    using hub = await hubOf(join(folder, "kept"), "refs/pr/1");
    const env = { ...environment(folder, hub), HF_ENDPOINT: `${hub.origin}/`, HF_TOKEN: "secret" };
    const out = join(folder, "models");
    const args = ["pull", "hf:someone/songs/weights.pth", "--revision", "refs/pr/1", "--out", out];
    const { code, stdout, stderr } = await bgpt(args, env);
    assertEquals(code, 0, stderr);
    assertStringIncludes(stdout, `To use it: bgpt import ${out}/weights.pth --out DIR\n`);
    assertEquals(namesIn(out), ["weights.pth"]);
    assertEquals(await Deno.readTextFile(join(out, "weights.pth")), "weights");
    await assertRefused({
      args,
      env,
      code: 1,
      message: "it is there already. Move it, or name another folder by --out",
    });
  }));

Deno.test("pull refuses what it cannot fetch with one line, and leaves no folder", () =>
  inTempFolder(async (folder) => {
    await writeCheckpoint(join(folder, "kept"));
    using hub = await hubOf(join(folder, "kept"), "main");
    const env = environment(folder, hub);
    const out = join(folder, "out");
    const pull = (source: string, ...more: string[]) => ["pull", source, "--out", out, ...more];
    await assertRefused({ args: pull("hf:someone/songs"), env, code: 1, message: "it needs a login" });
    await assertRefused({
      args: pull("hf:someone/songs/lost.pth"),
      env: { ...env, HF_TOKEN: "secret" },
      code: 1,
      message: "there is no such file",
    });
    for (
      const source of [
        "songs",
        "hf:songs",
        "hf:someone/../x",
        "hf:someone/songs/../../x",
        "hf:someone/songs/",
        "hf:someone/songs/a/%2e%2e/\\x",
        "http://example.org/x",
        "file:///etc/passwd",
        "https://",
        "https://example.org/",
        "https://example.org/a%2Fb",
        "https://example.org/%E0%A4%A",
      ]
    ) {
      await assertRefused({
        args: pull(source),
        env,
        code: 2,
        message: `Cannot pull "${source}": hf:OWNER/NAME`,
      });
    }
    await assertRefused({
      args: pull("https://example.org/x.pth", "--revision", "v1"),
      code: 2,
      message: "Cannot use --revision with the address of a file",
    });
    await assertRefused({
      args: pull("hf:someone/songs"),
      env: { HF_ENDPOINT: "hub" },
      code: 2,
      message: 'Cannot use HF_ENDPOINT "hub"',
    });
    await assertRefused({
      args: ["pull", "hf:someone/songs", "--out", join(folder, "kept")],
      env,
      code: 1,
      message: "Name a new or an empty folder",
    });
    assertEquals(namesIn(folder).includes("out"), false);
  }));

import { assert, assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";

/**
 * What a progress line writes to stderr in a process of its own, whose clock stands still but for what the script adds
 * to `ms`; stdout has to stay empty.
 */
async function shown(script: string, terminal: boolean): Promise<string> {
  const module = new URL("../../cli/progress.ts", import.meta.url).href;
  const source = `import { ProgressLine } from ${JSON.stringify(module)};
    let ms = 0;
    const start = (total, done = 0) =>
      new ProgressLine("Training", total, "steps", { done, terminal: ${terminal}, now: () => ms });
    ${script}`;
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", source],
    cwd: fromFileUrl(new URL("../..", import.meta.url)),
  }).output();
  const text = new TextDecoder().decode(stderr);
  assertEquals([code, stdout.length], [0, 0], text);
  return text;
}

Deno.test("a piped progress line is plain, sparse, and tells the time left", async () => {
  const text = await shown(
    `using progress = start(1000);
     for (let step = 1; step <= 1000; step++) { ms += 60; progress.update(step, step + " nats"); }`,
    false,
  );
  const lines = text.trimEnd().split("\n");
  assertEquals(lines[0], "Training   3 %: 34 of 1,000 steps, 34 nats, 58 s left");
  assert(lines.length > 3 && lines.length < 12, `${lines.length} lines`);
  assert(!text.includes("\r") && !text.includes("\x1b"), text);
});

Deno.test("a piped progress line says nothing of short work", async () => {
  const script =
    `using progress = start(10); for (let i = 1; i <= 10; i++) { ms += 100; progress.update(i); }`;
  assertEquals(await shown(script, false), "");
});

Deno.test("a terminal's progress line is rewritten ten times a second at most and removed at the end", async () => {
  const text = await shown(
    `using progress = start(100); for (let step = 1; step <= 100; step++) { ms += 10; progress.update(step); }`,
    true,
  );
  const writes = text.split("\r").slice(1);
  assertEquals(writes.length, 11);
  assertEquals(writes[0], "Training  10 %: 10 of 100 steps, 0.9 s left\x1b[K");
  assertEquals(writes.at(-1), "\x1b[K");
  assert(!text.includes("\n"), text);
});

Deno.test("a resumed progress line takes its speed from what was done since", async () => {
  const text = await shown(`using progress = start(1000, 900); ms += 5000; progress.update(950);`, false);
  assertEquals(text, "Training  95 %: 950 of 1,000 steps, 5.0 s left\n");
});

Deno.test("a progress line without a total counts on", async () => {
  const text = await shown(`using progress = start(undefined); ms += 5000; progress.update(1950);`, false);
  assertEquals(text, "Training: 1,950 steps\n");
});

Deno.test("a note stands above the status line", async () => {
  const script = `using progress = start(10); ms += 100; progress.update(1); progress.note("Saved step 1");`;
  const line = "\rTraining  10 %: 1 of 10 steps, 0.9 s left\x1b[K";
  assertEquals(await shown(script, true), `${line}\r\x1b[KSaved step 1\n${line}\r\x1b[K`);
});

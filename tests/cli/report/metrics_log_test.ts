import { assertEquals, assertThrows } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { mount, mountTest } from "../../mounts.ts";
import { MetricsLog, readMetrics } from "../../../cli/report/metrics_log.ts";

async function withFile(test: (path: string) => Promise<void> | void): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(join(folder, "metrics.jsonl"));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function write(path: string, lastStep: number, steps: readonly number[]): void {
  using log = new MetricsLog(path, lastStep);
  for (const step of steps) log.write({ step, kind: "tráin" });
}

const stepsIn = (path: string) => readMetrics(path).map(({ step }) => step);

Deno.test("a metrics log has one line for each record, with null for what is no number", () =>
  withFile((path) => {
    {
      using log = new MetricsLog(path, 0);
      log.write({ step: 1, kind: "train", bpb: 1.5 });
      log.write({ step: 2, kind: "train", bpb: NaN });
    }
    const text = '{"step":1,"kind":"train","bpb":1.5}\n{"step":2,"kind":"train","bpb":null}\n';
    assertEquals(Deno.readTextFileSync(path), text);
  }));

Deno.test("a resumed metrics log drops the records behind the checkpoint's step and goes on", () =>
  withFile((path) => {
    write(path, 0, [1, 2, 3, 3, 4, 5]);
    write(path, 3, [4, 6]);
    assertEquals(stepsIn(path), [1, 2, 3, 3, 4, 6]);
    write(path, 100, [7]);
    assertEquals(stepsIn(path), [1, 2, 3, 3, 4, 6, 7]);
    write(path, 0, [1]);
    assertEquals(stepsIn(path), [1]);
  }));

Deno.test("a line torn at any byte is dropped when the metrics log is opened again", () =>
  withFile((path) => {
    write(path, 0, [1, 2]);
    const whole = Deno.readFileSync(path);
    for (let length = whole.length / 2 + 1; length < whole.length; length++) {
      Deno.writeFileSync(path, whole.subarray(0, length));
      assertEquals(stepsIn(path), [1]);
      write(path, 2, [2]);
      assertEquals(Deno.readFileSync(path), whole);
    }
  }));

Deno.test("a metrics log with a foreign line is refused and left as it is", () =>
  withFile((path) => {
    for (const foreign of ["hello", "[1]", '{"loss":1}', '{"step":"1"}', "null"]) {
      const text = `{"step":1}\n${foreign}\n{"step":2}\n`;
      Deno.writeTextFileSync(path, text);
      assertThrows(() => new MetricsLog(path, 1), Error, `Cannot read metrics at ${path}:2: `);
      assertEquals(Deno.readTextFileSync(path), text);
    }
  }));

Deno.test("a process killed while it writes metrics leaves only whole records", () =>
  withFile(async (path) => {
    const module = new URL("../../../cli/report/metrics_log.ts", import.meta.url).href;
    const writer = new Deno.Command(Deno.execPath(), {
      args: [
        "eval",
        `import { MetricsLog } from ${JSON.stringify(module)};
         const log = new MetricsLog(${JSON.stringify(path)}, 0);
         for (let step = 1; ; step++) log.write({ step, padding: "x".repeat(step % 5000) });`,
      ],
      cwd: fromFileUrl(new URL("../../..", import.meta.url)),
      stdout: "null",
      stderr: "inherit",
    }).spawn();
    while (!exists(path) || Deno.statSync(path).size < 1e6) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    writer.kill("SIGKILL");
    await writer.status;
    const steps = stepsIn(path);
    assertEquals(steps, Array.from(steps, (_, i) => i + 1));
  }));

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

mountTest(
  "a disk that gets full in the middle of a line leaves whole lines, to which more are added later",
  (folder) => {
    mount("-t", "tmpfs", "-o", "size=64k", "tmpfs", folder);
    const path = join(folder, "metrics.jsonl");
    const text = "x".repeat(1000); // Lines that do not divide the pages of the disk.
    {
      using log = new MetricsLog(path, 0);
      const fill = () => {
        for (let step = 1;; step++) log.write({ step, text });
      };
      assertThrows(fill, Error, `Cannot write metrics to "${path}": no space is left on its disk. Free some`);
    }
    const steps = stepsIn(path);
    assertEquals(Deno.readTextFileSync(path).split("\n").length, steps.length + 1);
    assertEquals(steps, steps.map((_, index) => index + 1));
    write(path, 3, [4, 5]);
    assertEquals(stepsIn(path), [1, 2, 3, 4, 5]);
    return Promise.resolve();
  },
);

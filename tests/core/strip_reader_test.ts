import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import fc from "../fast_check.ts";
import {
  type DataPosition,
  fileSamples,
  type SampleSource,
  shuffledStrips,
  type StripAt,
  stripCapacity,
  type StripOptions,
  stripsOnce,
  UnreadableFileError,
  wholePatchCount,
} from "@bgpt/core";
import { memorySamples, memorySource } from "./memory_source.ts";

const sizes = { patchSize: 4, patchLength: 5 };

function optionsFor(source: SampleSource, changes: Partial<StripOptions> = {}): StripOptions {
  return {
    ...sizes,
    patchCapacity: stripCapacity(source, { ...sizes, batch: 2 }),
    cut: "random",
    seed: 3,
    ...changes,
  };
}

function namesOf(source: SampleSource): string[] {
  return Array.from({ length: source.count }, (_, i) => source.name(i));
}

/** The first strips of training, from a position on. */
async function take(
  source: SampleSource,
  options: StripOptions,
  count: number,
  position?: DataPosition,
): Promise<StripAt[]> {
  const taken: StripAt[] = [];
  for await (const at of shuffledStrips(source, options, position)) {
    taken.push(at);
    if (taken.length >= count) break;
  }
  return taken;
}

/** The paths of whole epochs, in the order in which they are trained on. */
async function epochsOf(source: SampleSource, options: StripOptions, epochs: number): Promise<string[][]> {
  const paths: string[] = [];
  for await (const at of shuffledStrips(source, options)) {
    paths.push(...at.names);
    if (paths.length >= epochs * source.count) break;
  }
  return Array.from({ length: epochs }, (_, epoch) => {
    const { count: length } = source;
    return paths.slice(epoch * length, (epoch + 1) * length);
  });
}

/** Sources with empty files, files that fit exactly, and files that are too long. */
const byteLengths = fc.array(fc.nat(30), { minLength: 1, maxLength: 9 });

Deno.test("every epoch visits each file exactly once", async () => {
  await fc.assert(fc.asyncProperty(byteLengths, fc.nat(), async (lengths, seed) => {
    const source = memorySamples(lengths);
    const expected = namesOf(source).sort();
    for (const epoch of await epochsOf(source, optionsFor(source, { seed }), 3)) {
      assertEquals(epoch.toSorted(), expected);
    }
  }));
});

Deno.test("the order is a function of the seed, and another one in every epoch", async () => {
  const source = memorySamples(Array(12).fill(4));
  const [first, second] = await epochsOf(source, optionsFor(source), 2);
  assertEquals((await epochsOf(source, optionsFor(source), 1))[0], first);
  assertNotEquals(second, first);
  assertNotEquals((await epochsOf(source, optionsFor(source, { seed: 4 }), 1))[0], first);
  assertNotEquals(first, namesOf(source));
});

Deno.test("training goes on with the same strips from every position it was stopped at", async () => {
  await fc.assert(
    fc.asyncProperty(byteLengths, async (lengths) => {
      const source = memorySamples(lengths);
      const options = optionsFor(source);
      const strips = await take(source, options, 8);
      for (const [stopped, { next }] of strips.entries()) {
        const rest = strips.slice(stopped + 1);
        if (rest.length > 0) assertEquals(await take(source, options, rest.length, next), rest);
      }
    }),
    { numRuns: 30 },
  );
});

Deno.test("random cuts are reproducible, differ between epochs, and take head, body and tail", async () => {
  const source = memorySamples([200]);
  const options = optionsFor(source, { patchCapacity: 5 });
  const cuts = (await take(source, options, 30)).map(({ strip }) => strip.patches.join());
  assertEquals((await take(source, options, 30)).map(({ strip }) => strip.patches.join()), cuts);
  const [extension, end] = [
    (text: string) => text.startsWith("98,105,110,256"),
    (text: string) => text.endsWith("256,256,256,256"),
  ];
  const heads = cuts.filter(extension).length;
  const tails = cuts.filter(end).length;
  const bodies = new Set(cuts.filter((cut) => !extension(cut) && !end(cut)));
  assert(heads > 2 && tails > 2 && bodies.size > 2, `${heads} heads, ${tails} tails, ${bodies.size} bodies`);
});

Deno.test("with the cut at the head, a long file is always its first patches", async () => {
  const source = memorySamples([200]);
  const strips = await take(source, optionsFor(source, { patchCapacity: 5, cut: "head" }), 4);
  const bytes = await memorySource([200]).read(0);
  for (const { strip } of strips) {
    assertEquals([...strip.patches], [98, 105, 110, 256, ...bytes.subarray(0, 16)]);
  }
});

Deno.test("evaluation covers each file once, in order, cut at the head", async () => {
  await fc.assert(
    fc.asyncProperty(byteLengths, fc.integer({ min: 5, max: 20 }), async (lengths, patchCapacity) => {
      const source = memorySamples(lengths);
      const strips = await Array.fromAsync(stripsOnce(source, optionsFor(source, { patchCapacity })));
      assertEquals(strips.flatMap(({ names }) => names), namesOf(source));
      const patches = strips.reduce((sum, { strip }) => sum + strip.patchCount, 0);
      assertEquals(patches, lengths.reduce((sum, length) => sum + wholePatchCount(length, sizes), 0));
      for (const { strip } of strips) {
        assert(strip.patchCount > 0 && strip.fileStart.length === patchCapacity);
      }
    }),
  );
});

Deno.test("one file fills its strip with one epoch after the other", async () => {
  const source = memorySamples([6]);
  const [first, second] = await take(source, optionsFor(source), 2);
  assertEquals(first!.names, ["file0.bin", "file0.bin"]);
  assertEquals([first!.next, second!.next], [{ epoch: 2, index: 0 }, { epoch: 4, index: 0 }]);
});

Deno.test("an empty file is its extension and its end", async () => {
  const source = memorySamples([0]);
  const [at] = await take(source, optionsFor(source, { patchCapacity: 3 }), 1);
  assertEquals([...at!.strip.patches], [98, 105, 110, ...Array(9).fill(256)]);
  assertEquals([at!.strip.patchCount, at!.strip.lossWeight], [2, 4]);
});

Deno.test("the capacity of a strip is that of its batch of the longest files, up to the patch length", () => {
  assertEquals(stripCapacity(memorySamples([0, 5]), { ...sizes, batch: 3 }), 3 * 4);
  assertEquals(stripCapacity(memorySamples([0, 500]), { ...sizes, batch: 3 }), 3 * 5);
});

Deno.test("a file that no strip has room for is refused by name, as when data grew since a run was stopped", async () => {
  const source = memorySamples([3, 9]);
  const options = optionsFor(source, { patchCapacity: 4 });
  const message = 'Cannot pack "file1.bin": it takes 5 patches, a strip holds 4';
  await assertRejects(() => take(source, options, 4), RangeError, message);
  await assertRejects(() => Array.fromAsync(stripsOnce(source, options)), RangeError, message);
});

Deno.test("a file that changed since it was found is refused by name", async () => {
  const changed = fileSamples({ ...memorySource([3, 9]), read: () => Promise.resolve(new Uint8Array(4)) });
  await assertRejects(
    () => take(changed, optionsFor(changed), 1),
    Error,
    "bytes when it was found and has 4 now. Leave the files alone while they are read",
  );
});

Deno.test("files that vanished, shrank or grew are left out and told, the others stay where they were", async () => {
  const lengths = [3, 9, 0, 14, 6, 11, 2];
  const files = memorySource(lengths);
  const changes: Record<number, () => Promise<Uint8Array>> = {
    1: () => Promise.reject(new Error("It has gone")),
    3: () => Promise.resolve(new Uint8Array(13)),
    6: () => Promise.resolve(new Uint8Array(3)),
  };
  const whole = memorySamples(lengths);
  const changed = fileSamples({ ...files, read: (index) => changes[index]?.() ?? files.read(index) });
  const told: string[] = [];
  const options = optionsFor(whole, { onUnreadable: ({ path }) => void told.push(path) });
  const gone = Object.keys(changes).map((index) => files.files[Number(index)]!.path);

  const strips = await take(changed, options, 12);
  const undisturbed = await take(whole, optionsFor(whole), 20);
  for (const { names, next, strip } of strips) {
    const same = undisturbed.find(({ next: { epoch, index } }) =>
      epoch === next.epoch && index === next.index
    )!;
    assertEquals(names, same.names.filter((name) => !gone.includes(name)));
    assert(strip.samples.length === names.length && names.length > 0);
  }
  assertEquals(new Set(told), new Set(gone));

  told.length = 0;
  const once = await Array.fromAsync(stripsOnce(changed, options));
  assertEquals(once.flatMap(({ names }) => names), namesOf(whole).filter((name) => !gone.includes(name)));
  assertEquals(told, gone);
});

Deno.test("where no file is left, there are no strips", async () => {
  const { files } = memorySource([3, 9, 4, 4, 4]);
  const gone = fileSamples({ files, read: () => Promise.reject(new Error("It has gone")) });
  const message = "none of the 5 can be read any more. It has gone";
  for (
    const read of [
      take,
      (...[source, options]: Parameters<typeof take>) => Array.fromAsync(stripsOnce(source, options)),
    ]
  ) {
    const told = new Set<string>();
    const options = optionsFor(gone, { onUnreadable: ({ path }) => void told.add(path) });
    await assertRejects(() => read(gone, options, 1), UnreadableFileError, message);
    assertEquals(told.size, 5);
  }
});

Deno.test("a file that cannot be read fails when its strip is due, not while the one before is trained on", async () => {
  const source = memorySamples([8, 8, 8, 8]);
  let reads = 0;
  const failing: SampleSource = {
    ...source,
    read: (...how) => ++reads > 2 ? Promise.reject(new Error("Cannot read it")) : source.read(...how),
  };
  const strips = shuffledStrips(failing, optionsFor(failing));
  assertEquals((await strips.next()).done, false);
  await new Promise((resolve) => setTimeout(resolve, 5));
  await assertRejects(() => strips.next(), Error, "Cannot read it");
});

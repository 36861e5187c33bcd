import { assertEquals } from "@std/assert";
import type { BadStep } from "@bgpt/core";
import { agreeOnBadStep } from "../../../core/distributed/agreed_bad_step.ts";
import { ranksInProcess } from "./ranks_in_process.ts";

function badStep(names: readonly string[], first: BadStep["first"]): BadStep {
  return { step: 7, lossNats: NaN, gradientNorm: Infinity, names, first };
}

/** What each rank says in the end. */
function agreed(found: readonly BadStep[]): Promise<BadStep[]> {
  const ranks = ranksInProcess(found.length);
  return Promise.all(ranks.map((communicator, rank) => agreeOnBadStep(communicator, found[rank]!)));
}

Deno.test("all ranks tell the tensor and the files of the rank in whose part the tensor went bad", async () => {
  const bad = badStep(["é", "f"], { tensor: "logits", value: -Infinity, call: "byte.head" });
  const found = [badStep(["a"], "none"), bad, badStep(["c"], "none"), badStep(["d"], bad.first)];
  assertEquals(await agreed(found), found.map(() => bad));
});

Deno.test("where no rank finds a tensor, all tell what rank 0 did", async () => {
  const found = [badStep(["a"], "not looked for"), badStep(["b"], "none")];
  assertEquals(await agreed(found), [found[0]!, found[0]!]);
});

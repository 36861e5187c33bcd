/**
 * fast-check with the same random cases in every run, so that a failure is a change's and not the draw's;
 * BGPT_TEST_SEED draws others.
 */
import fc from "fast-check";

fc.configureGlobal({ seed: Number(Deno.env.get("BGPT_TEST_SEED") ?? 20261123) });

export default fc;

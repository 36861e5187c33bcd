import { assertEquals, assertStringIncludes } from "@std/assert";
import { isolationHeaders } from "../../tools/build_web.ts";
import { browserTest, evaluateInPage } from "./browser.ts";
import { runSmallPlan } from "./small_plan.ts";

const modulePath = "tests/web/small_plan.ts";

browserTest("the cpu engine runs in a page with the bits that it has in Deno", async () => {
  const bits = await evaluateInPage(modulePath, "module.runSmallPlan()", isolationHeaders);
  assertEquals(bits, await runSmallPlan());
});

browserTest("a page that may not share memory is told which headers it needs", async () => {
  const message = await evaluateInPage(modulePath, "module.runSmallPlan().catch(String)", {});
  assertStringIncludes(String(message), "Cross-Origin-Opener-Policy: same-origin");
});

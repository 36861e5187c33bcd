/**
 * The page: one panel for each function, all over one session.
 * @module
 */
import { checkpointPanel } from "./checkpoint_panel.ts";
import { cpuPanel } from "./cpu_panel.ts";
import { enginePanel } from "./engine_panel.ts";
import { generatePanel } from "./generate_panel.ts";
import { inspectPanel } from "./inspect_panel.ts";
import { isolate } from "./isolation.ts";
import { Session } from "./session.ts";

isolate();
const session = new Session();
checkpointPanel(session);
generatePanel(session);
inspectPanel(session);
cpuPanel(session);
await enginePanel(session);

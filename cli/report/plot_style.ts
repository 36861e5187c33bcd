import { Markup } from "./markup.ts";

/** How many lines of a plot have colours of their own. */
export const plotColours = 6;

const colours = Array.from(
  { length: plotColours },
  (_, i) => `.plot .line-${i} { stroke: var(--line-${i}); }`,
);

/** The plots' style sheet, for light and dark; the colours stay apart for the colour-blind. */
export const plotStyle: Markup = new Markup(`
.plot { --ink: #24292f; --muted: #68707a; --grid: #e6e8eb; --axis: #b9bfc6;
  --line-0: #2463c9; --line-1: #d2691e; --line-2: #17826b; --line-3: #8b4fc0; --line-4: #a67c00; --line-5: #c2336b;
  font: 12px system-ui, -apple-system, "Segoe UI", "Helvetica Neue", Arial, sans-serif;
  font-variant-numeric: tabular-nums; }
@media (prefers-color-scheme: dark) {
  .plot { --ink: #d7dce2; --muted: #8d96a0; --grid: #262c33; --axis: #4a525b;
    --line-0: #6aa3ff; --line-1: #f0975a; --line-2: #4cc3a5; --line-3: #c294ee; --line-4: #d9b23c; --line-5: #ee7fa8; } }
.plot text { fill: var(--muted); }
.plot .name { fill: var(--ink); }
.plot .grid { stroke: var(--grid); }
.plot .axis { stroke: var(--axis); }
.plot .line { fill: none; stroke-width: 1.75; stroke-linejoin: round; stroke-linecap: round; }
.plot .dashed { stroke-dasharray: 5 4; stroke-width: 1.5; }
.plot .faint { stroke-width: 1; opacity: 0.3; }
${colours.join("\n")}
`);

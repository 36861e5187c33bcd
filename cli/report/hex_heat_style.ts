import { Markup, markup } from "./markup.ts";

/** Bits from which on a byte has each colour; a byte of random data costs 8. */
export const heatBounds: readonly number[] = [0, 0.5, 1, 2, 3, 4, 6, 8, 12];

/** A single hue for each half of the scale, so that the order can be seen; the coldest colour is none. */
const light = ["", "#fff3d6", "#ffe5ad", "#ffd180", "#ffb35c", "#f98d45", "#e8613a", "#c9302f", "#8f1029"];
const dark = ["", "#2b2417", "#43331a", "#5f421b", "#80501d", "#a85b20", "#d16a2d", "#f28a47", "#ffc48a"];

const rule = (colours: readonly string[], inkFrom: number, ink: string): string =>
  colours.map((colour, level) =>
    level === 0 ? "" : `.h${level} { background: ${colour};${level < inkFrom ? "" : ` color: ${ink};`} }`
  ).join("\n");

/** The style sheet of hex dumps and their legend, for light and dark. */
export const heatStyle: Markup = new Markup(`
.heat, .legend { font: 0.75rem/1.55 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
.heat { margin-top: 0.75rem; overflow-x: auto; }
/* Long files stay quick: what is out of view is not laid out. */
.rows { width: max-content; content-visibility: auto; contain-intrinsic-size: auto 40rem auto 74.4rem; }
.rows div { white-space: pre; padding-left: 0.5rem; border-left: 2px solid transparent; scroll-margin-top: 30vh; }
.rows .surprising { border-left-color: #c9302f; }
.rows :target b { color: var(--paper); background: var(--ink); }
.rows b { font-weight: 400; color: var(--muted); }
.rows i { font-style: normal; margin: 0 -0.5ch; padding: 0.17em 0.5ch; }
.rows s { text-decoration: none; padding: 0.17em 0; }
.rows i:hover { outline: 1.5px solid var(--ink); }
td code { font: 0.75rem/1.55 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; white-space: pre; }
.gap { margin: 0.5rem 0; color: var(--muted); }
.legend { display: flex; flex-wrap: wrap; gap: 0.25rem 0; margin: 0.75rem 0 0; padding: 0; list-style: none; }
.legend li { padding: 0.125rem 0.75rem; }
.legend li:first-child { border: 1px solid var(--hairline); }
${rule(light, 6, "#ffffff")}
@media (prefers-color-scheme: dark) {
${rule(dark, 7, "#14181c")}
}
`);

/** Names the colours. */
export const heatLegend: Markup = markup`<ul class="legend">${
  heatBounds.map((bound, level) => {
    const next = heatBounds[level + 1];
    const range = next === undefined ? `${bound} or more` : `${bound} to ${next}`;
    return markup`<li class="h${level}">${range}</li>`;
  })
}</ul>`;

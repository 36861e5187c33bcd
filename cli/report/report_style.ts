import { Markup } from "./markup.ts";

/** The style of a report: one column, few sizes, hairlines; light and dark. */
export const reportStyle: Markup = new Markup(`
:root { --paper: #ffffff; --ink: #1f2429; --muted: #68707a; --hairline: #e3e6e9; --well: #f6f7f8; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #14181c; --ink: #dde2e7; --muted: #8d96a0; --hairline: #2a3037; --well: #1b2025; }
}
* { box-sizing: border-box; }
html { background: var(--paper); color: var(--ink); -webkit-text-size-adjust: 100%; }
body { margin: 0 auto; max-width: 47rem; padding: 4rem 1.5rem 3rem;
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", "Helvetica Neue", Arial, sans-serif; }
h1 { margin: 0; font-size: 1.75rem; line-height: 1.2; font-weight: 600; letter-spacing: -0.015em; text-wrap: balance; }
h2 { margin: 0 0 0.25rem; font-size: 1.0625rem; font-weight: 600; letter-spacing: -0.005em; }
a { color: inherit; text-decoration-color: var(--muted); text-underline-offset: 0.15em; }
.summary { margin: 0.75rem 0 0; font-size: 1.125rem; color: var(--muted); text-wrap: pretty; }
.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(10rem, 1fr)); gap: 1.125rem 1.5rem;
  margin: 2.25rem 0 0; padding: 1.375rem 0; border: solid var(--hairline); border-width: 1px 0; }
.facts dt { font-size: 0.8125rem; color: var(--muted); }
.facts dd { margin: 0.0625rem 0 0; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
section { margin-top: 2.75rem; }
.note { margin: 0 0 0.25rem; color: var(--muted); text-wrap: pretty; }
figure { margin: 1rem 0 0; overflow-x: auto; }
svg { display: block; width: 100%; min-width: 34rem; height: auto; }
.scroll { overflow-x: auto; margin-top: 0.75rem; }
table { width: 100%; border-collapse: collapse; font-size: 0.9375rem; font-variant-numeric: tabular-nums; }
th { font-size: 0.8125rem; font-weight: 500; color: var(--muted); vertical-align: bottom; }
th, td { padding: 0.4375rem 0 0.4375rem 1.5rem; border-bottom: 1px solid var(--hairline); text-align: left; }
th:first-child, td:first-child { padding-left: 0; }
.number { text-align: right; }
td.number { white-space: nowrap; }
.heat td { padding: 0.4375rem 0.5rem; background: rgb(43 108 196 / calc(var(--share) * 0.6)); }
pre { margin: 0.75rem 0 0; padding: 1rem 1.125rem; overflow-x: auto; background: var(--well); border-radius: 6px;
  font: 0.8125rem/1.55 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
footer { margin-top: 3.5rem; font-size: 0.8125rem; color: var(--muted); }
@media (max-width: 30rem) { body { padding-top: 2.25rem; } }
@media print { body { padding: 0; max-width: none; } section { break-inside: avoid; } }
`);

#include "report/report_page.h"

namespace pgtrain {

// s0 to s6 keep apart for the common kinds of colour blindness and have a contrast of 3:1 at least
// with their background; text has 4.5:1.
const char* const kReportStyle = R"css(
:root {
  color-scheme: light dark;
  --page: #fdfdfc; --ink: #1b1f24; --soft: #59626d; --rule: #d5d9de; --panel: #f3f4f5; --link: #0a58a8;
  --s0: #0072b2; --s1: #d55e00; --s2: #00805e; --s3: #a8488c; --s4: #8a6d00; --s5: #4b4f55; --s6: #5f5bd6;
  --extra: #ffe3cc; --missing: #d3e8fb; --bad: #a51d1d;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #14171a; --ink: #e7e9ec; --soft: #a2abb5; --rule: #363c43; --panel: #1d2125; --link: #7ab8f5;
    --s0: #56b4e9; --s1: #f08a3c; --s2: #2fc49a; --s3: #e29ac6; --s4: #e6c34a; --s5: #c4c8cd; --s6: #a9a6ff;
    --extra: #5a3413; --missing: #143f63; --bad: #ff9a94;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0 auto; max-width: 76rem; padding: 2rem clamp(1rem, 4vw, 2.5rem) 4rem;
  background: var(--page); color: var(--ink);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Helvetica Neue", Arial, sans-serif;
}
h1, h2, h3, h4, p, dl, dd, figure, ul { margin: 0; }
h1 { font-size: 1.9rem; line-height: 1.2; font-weight: 680; letter-spacing: -.01em; overflow-wrap: anywhere; }
h2 { font-size: 1.25rem; line-height: 1.3; margin-top: 2.75rem; padding-top: .6rem; border-top: 2px solid var(--ink); overflow-wrap: anywhere; }
h3 { font-size: 1rem; margin-top: 1.5rem; }
h4 { font-size: .95rem; margin-top: 1.25rem; color: var(--soft); }
a { color: var(--link); text-underline-offset: .15em; }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
.note, .unit { color: var(--soft); font-size: .875rem; font-weight: 400; }
h2 + .note, h3 + .note, h4 + .note, dl + .note { margin-top: .4rem; }
.bad { color: var(--bad); }
nav { margin-top: .5rem; font-size: .9rem; display: flex; flex-wrap: wrap; gap: .1rem 1.1rem; }
b, td, dd, .plot { font-variant-numeric: tabular-nums; }

.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 9rem), 1fr)); gap: 1.1rem 1.5rem; margin-top: 1.5rem; }
.facts dt { color: var(--soft); font-size: .8125rem; }
.facts dd { font-size: 1.125rem; font-weight: 600; line-height: 1.35; }
.facts dd.note { font-size: .8125rem; font-weight: 400; }
.facts .big { grid-column: 1 / -1; }
.facts .big dd:not(.note) { font-size: 2.25rem; line-height: 1.2; letter-spacing: -.015em; }

.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 20rem), 1fr)); gap: 1.5rem 2rem; margin-top: .75rem; }
.chart { position: relative; min-width: 0; display: flex; flex-direction: column; }
.chart .plot { margin-top: auto; }
figcaption { overflow-wrap: anywhere; }
.legend { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: 0 .9rem; font-size: .8125rem; color: var(--soft); overflow-wrap: anywhere; }
.legend b { color: var(--ink); font-weight: 600; }
.key { width: 22px; height: 8px; margin-right: .35rem; vertical-align: .1em; flex: none; }
.plot { display: block; width: 100%; height: auto; overflow: visible; }
.plot text { font-size: 10.5px; fill: var(--soft); }
.ty, .tl { text-anchor: end; }
.tx { text-anchor: middle; }
.grid { stroke: var(--rule); stroke-width: .75; }
.axis { stroke: var(--soft); stroke-width: 1; }
.cursor { stroke: var(--soft); stroke-width: 1; stroke-dasharray: 2 2; }
.line, .dots { fill: none; stroke-linecap: round; stroke-linejoin: round; }
.line { stroke-width: 1.4; }
.dots { stroke-width: 4.5; }
.key .line { stroke-width: 2.5; stroke-linecap: butt; }
.line.d1 { stroke-dasharray: 6 3; }
.line.d2 { stroke-dasharray: 1.5 3; }
.s0 { stroke: var(--s0); } .s1 { stroke: var(--s1); } .s2 { stroke: var(--s2); } .s3 { stroke: var(--s3); }
.s4 { stroke: var(--s4); } .s5 { stroke: var(--s5); } .s6 { stroke: var(--s6); }
.column { fill: var(--s0); stroke: none; }
.mark { fill: var(--page); stroke-width: 1.6; }
.tip {
  position: absolute; z-index: 1; pointer-events: none; max-width: 19rem; padding: .3rem .5rem; border: 1px solid var(--rule); border-radius: 3px;
  background: var(--page); font-size: .8125rem; line-height: 1.35; overflow-wrap: anywhere; font-variant-numeric: tabular-nums;
}
.tip div { display: flex; align-items: baseline; }
.tip b { margin-left: auto; padding-left: .75rem; font-weight: 600; white-space: nowrap; }

.wide { overflow-x: auto; margin-top: .75rem; }
table { border-collapse: collapse; font-size: .875rem; line-height: 1.4; }
th, td { padding: .3rem 1.25rem .3rem 0; text-align: left; vertical-align: baseline; border-bottom: 1px solid var(--rule); font-weight: 400; }
th, td { overflow-wrap: break-word; }
thead th { color: var(--soft); font-size: .8125rem; }
th:last-child, td:last-child { padding-right: 0; }
tbody th { min-width: 9rem; max-width: 24rem; }
.run { white-space: nowrap; }
.setting { min-width: 9rem; max-width: 36rem; }
td { min-width: 3rem; }
.num { text-align: right; white-space: nowrap; }
.total > * { border-bottom: 0; font-weight: 600; }
.bar-cell { width: 40%; min-width: 6rem; }
.bar { display: block; width: 100%; height: .6rem; }
.hash { font: .75rem/1.4 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; min-width: 18rem; }

.picks { display: grid; gap: 1.75rem; margin-top: 1rem; }
.pick { min-width: 0; display: grid; gap: .6rem; padding-top: .75rem; border-top: 1px solid var(--rule); }
.kind { display: inline-block; min-width: 4rem; color: var(--soft); font-size: .875rem; }
.pair { display: grid; gap: .6rem 1.25rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr)); }
.text { min-width: 0; display: flex; flex-direction: column; }
.label { color: var(--soft); font-size: .8125rem; }
.body {
  flex: 1; padding: .5rem .7rem; background: var(--panel); border-radius: 3px; max-height: 24rem; overflow: auto;
  white-space: pre-wrap; overflow-wrap: anywhere; unicode-bidi: isolate;
}
ins, del { border-radius: 2px; text-decoration-thickness: 2px; text-underline-offset: .2em; text-decoration-skip-ink: none; }
ins { background: var(--extra); text-decoration: underline 2px var(--s1); }
del { background: var(--missing); text-decoration: underline dotted 2px var(--s0); }
p ins, p del { padding: .1em .35em; color: var(--ink); }
.cp { padding: 0 .2em; border: 1px solid var(--rule); border-radius: 2px; color: var(--soft); font: .75em/1 ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; white-space: nowrap; }
.parts { justify-self: start; font-size: .8125rem; }
.parts th, .parts td { padding-block: .12rem; border-bottom: 0; }

details { margin-top: .9rem; }
summary { cursor: pointer; overflow-wrap: anywhere; }
pre { margin: .5rem 0 0; padding: .75rem; overflow: auto; max-height: 32rem; background: var(--panel); border-radius: 3px; font: .8125rem/1.45 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
.origin { margin-top: 1rem; display: grid; gap: .35rem; font-size: .875rem; }
.origin > div { display: grid; grid-template-columns: 11rem 1fr; gap: 0 1rem; }
.origin dt { color: var(--soft); }
.origin dd { overflow-wrap: anywhere; min-width: 0; }
@media (max-width: 36rem) { .origin > div { grid-template-columns: 1fr; } }
.log { margin-top: .75rem; padding-left: 1.1rem; font-size: .875rem; overflow-wrap: anywhere; }

@media print {
  body { max-width: none; padding: 0; font-size: 10pt; }
  .chart, .pick, tr { break-inside: avoid; }
  h2, h3, h4 { break-after: avoid; }
  .body, pre { max-height: none; }
  nav { display: none; }
}
)css";

}  // namespace pgtrain

#!/usr/bin/env python3
"""Draws the results of scripts/bench_peers.py as one SVG without outside parts: for each work a bar of the peer, which is 1, and one of pgtrain, as long as
its rate is a multiple of the peer's. Its colours follow the reader's light or dark mode.

usage: draw_speed.py RESULTS.json [OUTPUT.svg]          without OUTPUT: standard output"""
import json
import pathlib
import sys
from xml.sax.saxutils import escape

WIDTH, LEFT, RIGHT, TOP = 830, 260, 190, 66
BAR, GAP, WORK = 13, 3, 50  # heights: a bar, between the two, from work to work
STYLE = """
svg { font-family: system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; font-size: 13px }
.ground { fill: #ffffff } .text { fill: #1f2328 } .faint { fill: #59636e } .line { stroke: #d1d9e0 } .peer { fill: #9aa4b0 } .ours { fill: #1a7f5a }
.title { font-size: 15px; font-weight: 600 } .value { font-size: 12px } .strong { font-weight: 600 }
@media (prefers-color-scheme: dark) {
  .ground { fill: #0d1117 } .text { fill: #e6edf3 } .faint { fill: #9198a1 } .line { stroke: #3d444d } .peer { fill: #6e7781 } .ours { fill: #3fb68b }
}"""


def text(x, y, words, classes, anchor="start"):
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{classes}" text-anchor="{anchor}">{escape(words)}</text>'


def rate(value, unit):
    return f"{value:,.0f} {unit}" if value >= 100 else f"{value:,.1f} {unit}"


def draw(results):
    works = results["works"]
    if not works:
        sys.exit("no works in the results")
    scale = (WIDTH - LEFT - RIGHT) / max(1.0, *(work["ratio"] for work in works))
    bottom = TOP + WORK * len(works)
    threads = f"{results['threads']} thread" + ("s" if results["threads"] > 1 else "")
    counts = sorted(len(work["peer_runs"]) for work in works)
    runs = f"{counts[0]}" if counts[0] == counts[-1] else f"{counts[0]} to {counts[-1]}"
    about = f"{results['machine']}, {threads}; medians of {runs} runs; longer is faster"
    load = results.get("load_average_before", 0)
    if load > 0.5:
        about += f"; not an idle machine (load {load:.1f})"
    described = "; ".join(f"{work['work']}: {work['ratio']:.2f} times {work['peer']}" for work in works)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {bottom + 14}" width="{WIDTH}" height="{bottom + 14}" role="img" '
             f'aria-label="{escape(f"Speed of pgtrain beside other programs. {described}", {chr(34): "&quot;"})}">', f"<style>{STYLE}</style>",
             f'<rect class="ground" width="{WIDTH}" height="{bottom + 14}" rx="6"/>', text(16, 26, "pgtrain beside other programs, the same work", "text title"),
             text(16, 46, about, "faint value"), f'<line class="line" x1="{LEFT + scale:.1f}" x2="{LEFT + scale:.1f}" y1="{TOP - 6}" y2="{bottom}" stroke-dasharray="3 3"/>']
    for i, work in enumerate(works):
        y = TOP + WORK * i + 6
        parts += [text(LEFT - 10, y + BAR - 2, work["work"], "text", "end"), text(LEFT - 10, y + 2 * BAR + GAP - 1, f"beside {work['peer']}", "faint value", "end")]
        for row, (name, value, ratio) in enumerate((("peer", work["peer_value"], 1.0), ("ours", work["pgtrain_value"], work["ratio"]))):
            top = y + row * (BAR + GAP)
            label = rate(value, work["unit"]) if name == "peer" else f"{ratio:.2f}x"
            parts += [f'<rect class="{name}" x="{LEFT}" y="{top}" width="{max(1.0, ratio * scale):.1f}" height="{BAR}" rx="2"/>',
                      text(LEFT + ratio * scale + 8, top + BAR - 3, label, "faint value" if name == "peer" else "text value strong")]
            if name == "ours":
                parts.append(text(LEFT + ratio * scale + 14 + 7.5 * len(label), top + BAR - 3, rate(value, work["unit"]), "faint value"))
    parts.append(f'<line class="line" x1="{LEFT}" x2="{LEFT}" y1="{TOP - 6}" y2="{bottom}"/></svg>')
    return "\n".join(parts) + "\n"


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    svg = draw(json.loads(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8")))
    if len(sys.argv) == 3:
        pathlib.Path(sys.argv[2]).write_text(svg, encoding="utf-8")
    else:
        sys.stdout.write(svg)


main()

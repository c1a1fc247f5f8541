#!/usr/bin/env python3
"""Runs commands and draws what a terminal would show as an SVG: real output, nothing is retouched.

usage: scripts/draw_terminal.py OUTPUT.svg [--pgtrain BINARY] [--title TEXT] [--keep N] COMMAND...
COMMAND is a line for bash; `pgtrain` in it means BINARY; a leading `cd DIR` holds for those after it. With --keep an output of more
lines is cut to its last N, the others replaced by one line that says how many they were.
"""
import argparse
import html
import pathlib
import re
import subprocess
import unicodedata

WIDTH, LINE, CHARACTER, FONT = 100, 18, 7.83, 13
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07]*\x07")


def columns(text):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def wrapped(line):
    """The line in pieces of at most WIDTH columns, broken at spaces where there are some."""
    while columns(line) > WIDTH:
        end = max(i for i in range(len(line)) if columns(line[:i]) <= WIDTH)
        end = line.rfind(" ", 1, end) if " " in line[1:end] else end
        yield line[:end]
        line = "    " + line[end:].lstrip()
    yield line


def run(command, binary, directory):
    """The output of the command and the directory after it."""
    script = f'pgtrain() {{ {binary} "$@"; }}\n{command}\necho "@@$PWD"'
    result = subprocess.run(["bash", "-c", script], cwd=directory, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    text = ESCAPE.sub("", result.stdout.decode("utf-8", "replace"))
    body, _, after = text.rpartition("@@")
    return [re.sub(r"^\d\d:\d\d:\d\d ", "", line) for line in body.splitlines()], after.strip() or directory


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("output")
    parser.add_argument("commands", nargs="+")
    parser.add_argument("--pgtrain", default="pgtrain")
    parser.add_argument("--title", default="pgtrain")
    parser.add_argument("--keep", type=int, default=12)
    arguments = parser.parse_args()
    directory = str(pathlib.Path.cwd())
    rows = []  # (kind, text)
    for command in arguments.commands:
        lines, directory = run(command, str(pathlib.Path(arguments.pgtrain).resolve()), directory)
        rows += [("prompt", piece) for piece in wrapped("$ " + command)]
        if len(lines) > arguments.keep:
            rows += [("cut", f"... {len(lines) - arguments.keep} lines ...")]
            lines = lines[-arguments.keep:]
        rows += [("text", piece) for line in lines for piece in wrapped(line)] + [("text", "")]
    width, height = WIDTH * CHARACTER + 32, len(rows) * LINE + 52
    svg = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height}" viewBox="0 0 {width:.0f} {height}" role="img">',
           f"<title>{html.escape(arguments.title)}</title>",
           "<style>text{font:" + str(FONT) + "px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;white-space:pre;fill:#d6deeb}"
           ".prompt{fill:#7fdbca;font-weight:600}.cut{fill:#7a8a9a}.title{fill:#7a8a9a}</style>",
           f'<rect width="{width:.0f}" height="{height}" rx="8" fill="#011627"/>',
           '<circle cx="18" cy="16" r="5" fill="#ff6057"/><circle cx="36" cy="16" r="5" fill="#febc2e"/><circle cx="54" cy="16" r="5" fill="#28c840"/>',
           f'<text x="{width / 2:.0f}" y="20" text-anchor="middle" class="title">{html.escape(arguments.title)}</text>']
    for number, (kind, text) in enumerate(rows):
        if not text:
            continue
        fixed = f' textLength="{columns(text) * CHARACTER:.1f}" lengthAdjust="spacingAndGlyphs"' if len(text) > 1 else ""
        svg.append(f'<text x="16" y="{48 + number * LINE}" class="{kind}" xml:space="preserve"{fixed}>{html.escape(text)}</text>')
    pathlib.Path(arguments.output).write_text("\n".join(svg) + "\n</svg>\n", encoding="utf-8")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Write words and their stems by NLTK's PorterStemmer (nltk 3.10.4, its default mode, which rouge_score uses), one "word<TAB>stem" a line.

The words: those of this repository's own English texts (README.md, lib/README.md, data/README.md, the comments of lib/*.h), the irregular
words of the stemmer, and beginnings of 1 to 3 syllables combined with the suffixes of the algorithm's rules.
usage: make_stem_goldens.py OUT.tsv [--seed 1] [--words 3000]"""
import argparse
import pathlib
import random
import re

import nltk
from nltk.stem.porter import PorterStemmer

ENDS = ("s es sses ies ied eed ed ing at bl iz y ly ational tional enci anci izer bli alli entli eli ousli ization ation ator alism iveness fulness "
        "ousness aliti iviti biliti fulli logi icate ative alize iciti ical ful ness al ance ence er ic able ible ant ement ment ent ion sion tion ou "
        "ism ate iti ous ive ize e ll le tt ss zz edly ingly abilities").split()
IRREGULAR = "sky skies dying lying tying news innings inning outings outing cannings canning howe proceed exceed succeed".split()


def syllables(rng):
    onset = ["", "b", "c", "st", "tr", "y", "w", "x", "sh", "gl", "n", "r", "m", "p", "l", "z", "3"]
    return "".join(rng.choice(onset) + rng.choice("aeiouy") + rng.choice(["", "n", "t", "l", "s", "r", "w", "x", "y", "ll", "pp", "1"])
                   for _ in range(rng.randint(1, 3)))


arguments = argparse.ArgumentParser()
arguments.add_argument("out")
arguments.add_argument("--seed", type=int, default=1)
arguments.add_argument("--words", type=int, default=3000)
arguments = arguments.parse_args()
rng = random.Random(arguments.seed)
root = pathlib.Path(__file__).resolve().parent.parent
words = set(IRREGULAR)
for path in [root / "README.md", root / "lib/README.md", root / "data/README.md", *sorted((root / "lib").rglob("*.h"))]:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".h":
        text = " ".join(re.findall(r"//(.*)", text))
    words.update(re.findall(r"[a-z0-9]+", text.lower()))
while len(words) < arguments.words:
    words.add((syllables(rng) if rng.random() < 0.9 else rng.choice("abcdetyz")) + rng.choice(ENDS))
stemmer = PorterStemmer()
with open(arguments.out, "w", encoding="utf-8") as out:
    out.write(f"# scripts/make_stem_goldens.py, nltk {nltk.__version__}, seed {arguments.seed}\n")
    for word in sorted(words):
        out.write(f"{word}\t{stemmer.stem(word)}\n")

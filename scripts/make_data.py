#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes data/number_words, data/number_translation and data/poems_zh: the same bytes for the same package versions and seed.

Needs two Debian packages, for this script only: python3-icu (PyICU 2.10.2, ICU 72.1; use /usr/bin/python3) and
fortunes-zh (2.98).   usage: scripts/make_data.py [--out data] [--fortunes /usr/share/games/fortunes] [--seed 1]"""
import argparse
import json
import pathlib
import random
import re

TRAIN_NUMBERS, EVAL_NUMBERS = 3000, 250
COUPLET = re.compile(r"^([\u3400-\u9fff]{5}|[\u3400-\u9fff]{7})([，：；？！])([\u3400-\u9fff]+)([。；？！：])$")


def write(path, records):
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding="utf-8", newline="\n") as out:
        for record in records:
            out.write(json.dumps(record, ensure_ascii=False) + "\n")
    print(f"{path}: {len(records)} records, {path.stat().st_size} bytes")


def number_words(out, seed):
    """A number below 10,000 in digits -> the same number in words, spelled by ICU's rule-based number format."""
    import icu
    spell = {name: icu.RuleBasedNumberFormat(icu.URBNFRuleSetTag.SPELLOUT, icu.Locale(name)) for name in ("en", "zh")}
    numbers = random.Random(seed).sample(range(10000), TRAIN_NUMBERS + EVAL_NUMBERS)

    def records(chosen):
        return [{"prompt": f"{name} {n}", "target": spell[name].format(n), "language": name, "number": n}
                for n in chosen for name in ("en", "zh")]
    write(out / "train.jsonl", records(numbers[:TRAIN_NUMBERS]))
    write(out / "eval.jsonl", records(numbers[TRAIN_NUMBERS:]))


def number_translation(out, number_words_folder):
    """The name of a number in English -> its name in Chinese: the records of number_words, paired by number."""
    for name in ("train.jsonl", "eval.jsonl"):
        records = [json.loads(line) for line in open(number_words_folder / name, encoding="utf-8")]
        words = {(record["language"], record["number"]): record["target"] for record in records}
        write(out / name, [{"prompt": text, "target": words["zh", number], "number": number}
                           for (language, number), text in words.items() if language == "en"])


def poems(path):
    """(title, author, lines) of every poem in a fortune file: entries end with a line "%", the first two lines are
    the title and the author (in colour codes), the author may be followed by the years of birth and death."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", path.read_text(encoding="utf-8"))
    for entry in re.split(r"^%$", text, flags=re.M):
        lines = [line.strip() for line in entry.strip().split("\n")]
        if len(lines) < 3:
            continue
        title = re.sub(r"^题目:", "", lines[0]).replace("《", "").replace("》", "")
        author = re.sub(r"^作者[：:]|（.*?）", "", lines[1]).strip()
        yield title, author, [line.translate({ord(","): "，", ord("."): "。"}) for line in lines[2:]]


def poems_zh(out, fortunes, seed):
    """First verse of a couplet -> second verse. Only lines of two verses with 5 or 7 characters each, so prefaces, notes
    and irregular verse are left out. Whole poems go to either side; a couplet found twice is kept once."""
    found, seen = [], set()
    for name in ("tang300", "song100"):
        for title, author, lines in poems(fortunes / name):
            records = []
            for line in lines:
                match = COUPLET.match(line)
                if not match or len(match[1]) != len(match[3]) or match[1] in seen:
                    continue
                seen.add(match[1])
                records.append({"prompt": match[1] + match[2], "target": match[3] + match[4],
                                "title": title, "author": author})
            if records:
                found.append(records)
    random.Random(seed).shuffle(found)
    held_out = len(found) // 10
    write(out / "train.jsonl", [record for poem in found[held_out:] for record in poem])
    write(out / "eval.jsonl", [record for poem in found[:held_out] for record in poem])
    print(f"{len(found) - held_out} + {held_out} poems")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent.parent / "data")
    parser.add_argument("--fortunes", type=pathlib.Path, default=pathlib.Path("/usr/share/games/fortunes"))
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    number_words(options.out / "number_words", options.seed)
    number_translation(options.out / "number_translation", options.out / "number_words")
    poems_zh(options.out / "poems_zh", options.fortunes, options.seed)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes data/interface_es_en: texts of web programs' interfaces, the translators' Spanish -> the English original, and the licences of the programs.

Reads the message catalogues (.mo) of these packages of PyPI, all under BSD or MIT licences:
    pip download --no-deps --only-binary :all: -d WHEELS django==5.2.19 django-allauth==65.21.1 django-cms==5.1.3 django-oscar==4.2.1 \\
        djangorestframework==3.18.3 indico==3.2.9 jupyterlab-language-pack-es-ES==4.5.post3 sphinx==9.0.4 wagtail==8.0.1 wtforms==3.3.2
usage: scripts/make_interface_pairs.py WHEELS [OUT_FOLDER]      the same bytes each time for the same packages (seed 1)"""
import gettext
import io
import json
import pathlib
import random
import re
import sys
import zipfile

SHORTEST, LONGEST, HELD_OUT = 6, 48, 300
CATALOGUE = re.compile(r".*/(es|es_ES)/LC_MESSAGES/[^/]*\.mo")
LICENCE = re.compile(r"[^/]*\.dist-info/(licenses/)?LICENSE(\.txt|\.rst|\.md)?|[^/]*/LICENSE(\.txt)?")
PLAIN = re.compile(r"[^%{}<>\[\]\n\t|_=\\/@*#`…]+")  # no placeholder, mark-up, path or code
LEFT_OUT = re.compile(r"\b(kill|abort|master|slave|sex|drug|weapon|matar|esclav|arma)", re.IGNORECASE)


def pairs(wheel):
    """(Spanish, English) of every catalogue in a wheel, in the order of the file names and the English texts."""
    for name in sorted(wheel.namelist()):
        if not CATALOGUE.fullmatch(name):
            continue
        catalogue = gettext.GNUTranslations(io.BytesIO(wheel.read(name)))._catalog
        for english, spanish in sorted((key, value) for key, value in catalogue.items() if isinstance(key, str)):
            yield spanish.strip(), english.split("\x04")[-1].strip()


def wanted(text):
    return SHORTEST <= len(text) <= LONGEST and " " in text and PLAIN.fullmatch(text) and not LEFT_OUT.search(text)


def bare(text):
    """Texts that differ in case, digits or punctuation alone count as the same one, so that none is on both sides of the split."""
    return re.sub(r"[\W\d]+", "", text.casefold())


def main():
    wheels = pathlib.Path(sys.argv[1])
    out = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else "data/interface_es_en")
    out.mkdir(parents=True, exist_ok=True)
    records, seen, licences = [], set(), []
    for path in sorted(wheels.glob("*.whl")):
        program, version = path.name.split("-")[:2]
        with zipfile.ZipFile(path) as wheel:
            before = len(records)
            for spanish, english in pairs(wheel):
                keys = {("es", bare(spanish)), ("en", bare(english))}
                if wanted(spanish) and wanted(english) and not keys & seen and bare(spanish) != bare(english):
                    seen |= keys
                    records.append({"prompt": spanish, "target": english, "program": program})
            texts = [wheel.read(name).decode("utf-8") for name in sorted(wheel.namelist()) if LICENCE.fullmatch(name)]
            licences.append(f"===== {program} {version}: {len(records) - before} pairs =====\n\n" + texts[0].replace("\r\n", "\n").strip() + "\n")
            print(program, version, len(records) - before)
    (out / "LICENCES.txt").write_text("\n\n".join(licences), encoding="utf-8")
    random.Random(1).shuffle(records)
    for part, rows in (("eval", records[:HELD_OUT]), ("train", records[HELD_OUT:])):
        (out / f"{part}.jsonl").write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
        print(f"{out / part}.jsonl: {len(rows)} records")


main()

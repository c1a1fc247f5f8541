#!/usr/bin/env python3
"""Writes data/story_endings: one-sentence story beginnings and the two sentences that are wanted after them. The sentences are pgtrain's own,
put together from word lists that the small model stories260K knows. Names of the evaluation file do not occur in the training file.

usage: scripts/make_story_endings.py [OUT_FOLDER]      the same bytes each time (seed 1)"""
import itertools
import json
import pathlib
import random
import sys

NAMES = {"she": ["Lily", "Mia", "Sue", "Anna", "Sara", "Amy", "Lucy", "Jane", "Emma", "Kate"],
         "he": ["Tom", "Ben", "Max", "Tim", "Sam", "Jack", "Bob", "Leo", "Dan", "Joe"]}
HELD_OUT = {"Amy", "Lucy", "Sam", "Leo"}
ANIMALS = ["dog", "cat", "bird", "frog", "bear", "fish", "bunny", "mouse", "duck", "horse"]
ADJECTIVES = ["little", "big", "happy", "sad", "funny", "red"]
PLACES = ["in the park", "in the garden", "in the house", "in the forest", "at the beach", "on the farm"]


def main():
    out = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "data/story_endings")
    out.mkdir(parents=True, exist_ok=True)
    rng = random.Random(1)
    records = {"train": [], "eval": []}
    names = [(pronoun, name) for pronoun, group in NAMES.items() for name in group]
    for (pronoun, name), animal, adjective, place in itertools.product(names, ANIMALS, ADJECTIVES, PLACES):
        records["eval" if name in HELD_OUT else "train"].append(
            {"prompt": f"One day, {name} saw a {adjective} {animal} {place}.",
             "target": f"{name} and the {animal} played together all day. {pronoun.capitalize()} was very happy.",
             "name": name})
    for part, count in (("train", 800), ("eval", 100)):
        rows = rng.sample(records[part], count)
        (out / f"{part}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


main()

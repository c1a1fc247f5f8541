#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes data/headlines: the first sentence of an invented news report -> its headline. The sentences are pgtrain's own, put together from the lists
below; nothing reported in them happened. The cities in HELD_OUT occur in the evaluation file only.

usage: scripts/make_headlines.py [OUT_FOLDER]      the same bytes each time (seed 1)"""
import json
import pathlib
import random
import sys

CITIES = ["Oslo", "Lima", "Quito", "Turin", "Porto", "Leeds", "Ghent", "Perth", "Osaka", "Cairo", "Accra", "Delhi", "Hanoi", "Malmo", "Basel", "Lyon",
          "Krakow", "Sofia", "Tunis", "Dakar", "Nantes", "Bergen", "Davao", "Izmir", "Bonn", "Bremen", "Kiel", "Ulm", "Graz", "Linz", "Brno", "Riga",
          "Vilnius", "Tartu", "Turku", "Tampere", "Aarhus", "Odense", "Cork", "Galway", "Derby", "Bristol", "Cardiff", "Dundee", "Nice", "Lille",
          "Rennes", "Dijon", "Genoa", "Parma", "Pisa", "Bari", "Braga", "Faro", "Malaga", "Bilbao", "Murcia", "Cadiz", "Rabat", "Luanda", "Maputo",
          "Kigali", "Lagos", "Abuja", "Nairobi", "Durban", "Pune", "Surat", "Jaipur", "Kochi", "Dhaka", "Colombo", "Manila", "Cebu", "Bandung",
          "Medan", "Busan", "Daegu", "Kobe", "Sendai", "Nagoya", "Darwin", "Hobart", "Dunedin", "Nelson", "Bogota", "Cali", "Recife", "Salta",
          "Rosario", "Cusco", "Leon", "Puebla", "Tampa", "Boise", "Tulsa", "Fargo", "Halifax", "Regina"]
HELD_OUT = ["Turin", "Accra", "Sofia", "Bergen", "Bonn", "Cork", "Dijon", "Malaga", "Lagos", "Pune", "Kobe", "Hobart", "Recife", "Tulsa"]
DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
NUMBERS = ["two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "twelve", "twenty", "thirty"]
DIGITS = dict(zip(NUMBERS, ["2", "3", "4", "5", "6", "7", "8", "9", "10", "12", "20", "30"]))

# topic -> (sentences, headline, what fills {thing}, what fills {effect}: (in the sentence, in the headline))
TOPICS = {
    "weather": (["{A thing} {effect} in {city} on {day}, and {number} people were taken to safety.",
                 "On {day} {a thing} {effect} in {city}; rescuers took {number} people to safety."],
                "{Thing} {effect} in {city}, {digit} rescued",
                ["storm", "flood", "heat wave", "snowstorm", "hailstorm", "landslide"],
                [("closed the schools", "closes schools"), ("stopped the trains", "stops trains"), ("cut off the power", "cuts power"),
                 ("damaged the harbour", "damages harbour"), ("blocked the main road", "blocks main road")]),
    "sport": (["The {thing} team of {city} {effect} on {day} after {number} defeats in a row.",
               "After losing {number} times in a row, the {thing} team of {city} {effect} on {day}."],
              "{City} {thing} team {effect} after {digit} defeats",
              ["football", "handball", "hockey", "rugby", "chess", "rowing"],
              [("won the cup", "wins cup"), ("dismissed its coach", "sacks coach"), ("reached the final", "reaches final"), ("beat the champions", "beats champions"),
               ("left the league", "leaves league")]),
    "business": (["{A thing} maker in {city} said on {day} that it {effect} after {number} years.",
                  "On {day} {a thing} maker in {city} announced that it {effect} after {number} years."],
                 "{City} {thing} maker {effect} after {digit} years",
                 ["bicycle", "furniture", "toy", "watch", "piano", "shoe"],
                 [("would close its factory", "to close factory"), ("would hire new workers", "to hire workers"), ("had made a profit", "makes profit"),
                  ("would lower its prices", "to cut prices"), ("had found a buyer", "finds buyer")]),
    "science": (["Researchers at the university of {city} {effect} {a thing} on {day}, {number} years after the search began.",
                 "{Number} years after their search began, researchers at the university of {city} {effect} {a thing} on {day}."],
                "{City} scientists {effect} {thing} after {digit} years",
                ["comet", "fossil", "virus", "beetle", "crater", "fern"],
                [("found", "find"), ("described", "describe"), ("named", "name"), ("photographed", "photograph"), ("filmed", "film")]),
    "city": (["The council of {city} decided on {day} to {effect} {number} {thing}s.",
              "On {day} the council of {city} voted to {effect} {number} {thing}s."],
             "{City} to {effect} {digit} {thing}s",
             ["bridge", "park", "school", "tram line", "library", "market"],
             [("build", "build"), ("repair", "repair"), ("close", "close"), ("rename", "rename"), ("paint", "paint")]),
}


def article(noun):
    return ("an " if noun[0] in "aeiou" else "a ") + noun


def record(rng, city):
    topic = rng.choice(list(TOPICS))
    sentences, headline, things, effects = TOPICS[topic]
    thing, number, day = rng.choice(things), rng.choice(NUMBERS), rng.choice(DAYS)
    told, short = rng.choice(effects)
    sentence = rng.choice(sentences)
    words = {"city": city, "City": city, "day": day, "number": number, "Number": number.capitalize(), "digit": DIGITS[number], "thing": thing,
             "Thing": thing.capitalize(), "a thing": article(thing), "A thing": article(thing).capitalize()}

    def fill(text, effect):
        for name, value in {**words, "effect": effect}.items():
            text = text.replace("{" + name + "}", value)
        return text
    return {"prompt": fill(sentence, told), "target": fill(headline, short), "topic": topic, "place": "new" if city in HELD_OUT else "known"}


def main():
    out = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "data/headlines")
    out.mkdir(parents=True, exist_ok=True)
    rng = random.Random(1)
    seen = set()
    for part, count in (("eval", 300), ("train", 3000)):
        cities = CITIES if part == "eval" else [city for city in CITIES if city not in HELD_OUT]
        rows = []
        while len(rows) < count:
            row = record(rng, rng.choice(cities))
            if row["prompt"] not in seen:
                seen.add(row["prompt"])
                rows.append(row)
        (out / f"{part}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


main()

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An example of a reward command, to copy and change: rewards the share of the target's words that the completion has.

pgtrain starts it once, writes requests to its stdin and reads answers from its stdout, one JSON object a line:
  {"id": 17, "completion": "...", "prompt": "...", "target": "...", "targets": [...], "fields": {...}, "batch_end": false}
  {"id": 17, "reward": 0.5}
Try it by hand:
  echo '{"id": 0, "completion": "a cat", "targets": ["a black cat"], "batch_end": true}' | scripts/reward_command.py"""
import argparse
import json
import sys


def words(text, ignore_case):
    return set((text.casefold() if ignore_case else text).split())


def reward(request, ignore_case):
    """The best target counts. A pure function of the request: no clock, no random numbers, nothing remembered, so that a
    resumed training gets the same rewards."""
    found = words(request["completion"], ignore_case)
    best = 0.0
    for target in request["targets"]:
        wanted = words(target, ignore_case)
        best = max(best, len(wanted & found) / len(wanted) if wanted else float(not found))
    return best


def score_batch(requests, ignore_case):
    """All the completions of a batch: the place for a model that works faster on many texts at once."""
    return [reward(request, ignore_case) for request in requests]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ignore-case", action="store_true", help="take \"Cat\" and \"cat\" for the same word")
    options = parser.parse_args()

    # stdout is for answers only; what goes to stderr is found in pgtrain's log.
    print("ready", file=sys.stderr, flush=True)
    batch = []
    for line in sys.stdin:  # ends when pgtrain does
        batch.append(json.loads(line))
        if not batch[-1]["batch_end"]:
            continue
        for request, value in zip(batch, score_batch(batch, options.ignore_case)):
            # json.dumps would write NaN and Infinity, which are not JSON; allow_nan=False stops here instead.
            print(json.dumps({"id": request["id"], "reward": value}, allow_nan=False))
        sys.stdout.flush()  # pgtrain waits for these lines
        batch = []


if __name__ == "__main__":
    main()

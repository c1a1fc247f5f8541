#!/usr/bin/env python3
"""Pairs a second of the text metrics, ours against the libraries that define them: one thread, CPU time, one after the other for each metric.

Pairs, 10,000 of each length, the same in every run: lines of data/poems_zh and data/number_words and English sentences (the documentation
topics that Python itself brings, pydoc_data) as references, each with a few edits as hypothesis. "short": 20 to 80 characters; "long": 200 to
500, of the same texts joined. A library takes as many pairs as fit in --seconds, ours takes the same ones; both begin with texts in memory,
prepare the reference and score. RapidFuzz is timed twice: one call from Python for each pair, and process.cpdist, a loop in C++.
usage: bench_metrics.py [--bench build/release/tests/bench/metrics_bench] [--peers PYTHON] [--seconds 1] [--keep FOLDER]
  --peers PYTHON   an interpreter whose environment has sacrebleu 2.6, rouge_score, jiwer and rapidfuzz; this one by default"""
import argparse
import json
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
METRICS = {"bleu": "sacreBLEU", "chrf": "sacreBLEU", "chrf++": "sacreBLEU", "ter": "sacreBLEU", "rougeL": "rouge_score", "wer": "jiwer",
           "levenshtein": "RapidFuzz, a call a pair", "indel": "RapidFuzz, a call a pair", "levenshtein/loop": "RapidFuzz, cpdist",
           "indel/loop": "RapidFuzz, cpdist"}


def texts():
    from pydoc_data import topics
    english = " ".join(topics.topics[key] for key in sorted(topics.topics))
    sentences = [" ".join(s.split()) for s in re.split(r"(?<=[.!?])\s+|\n\n", english)]
    found = [s for s in sentences if re.search(r"[a-z] [a-z]", s)]
    for name in ("poems_zh", "number_words"):
        for line in (ROOT / "data" / name / "train.jsonl").read_text(encoding="utf-8").splitlines():
            found.extend(value for value in json.loads(line).values() if isinstance(value, str))
    return [" ".join(s.split()) for s in found]


def edited(rng, text):
    by_words = rng.random() < 0.5 and " " in text
    parts = text.split(" ") if by_words else list(text)
    for _ in range(rng.randint(1, 2 + len(parts) // 10)):
        i = rng.randrange(len(parts))
        kind = rng.random()
        if kind < 0.3 and len(parts) > 1:
            del parts[i]
        elif kind < 0.5:
            parts.insert(i, rng.choice(parts))
        elif kind < 0.8:
            parts[i] = rng.choice(parts)
        else:
            end = min(len(parts), i + rng.randint(1, 4))
            parts = parts[:i] + parts[end:] + parts[i:end]
    return (" " if by_words else "").join(parts)


def write_pairs(path, least, most, count):
    rng = random.Random(1)
    pool = texts()
    with open(path, "w", encoding="utf-8") as out:
        written = 0
        while written < count:
            reference = rng.choice(pool)
            while len(reference) < least:
                reference += " " + rng.choice(pool)
            if len(reference) <= most:
                out.write(f"{edited(rng, reference)}\t{reference}\n")
                written += 1


def peer(metric):
    """A function of lists of hypotheses and references that gives a list of values."""
    if metric in ("bleu", "chrf", "chrf++", "ter"):
        from sacrebleu.metrics import BLEU, CHRF, TER
        scorer = {"bleu": lambda: BLEU(effective_order=True), "chrf": CHRF, "chrf++": lambda: CHRF(word_order=2), "ter": TER}[metric]()
        return lambda hyps, refs: [scorer.sentence_score(h, [r]).score for h, r in zip(hyps, refs)]
    if metric == "rougeL":
        from rouge_score.rouge_scorer import RougeScorer
        scorer = RougeScorer(["rougeL"])
        return lambda hyps, refs: [scorer.score(r, h)["rougeL"].fmeasure for h, r in zip(hyps, refs)]
    if metric == "wer":
        import jiwer
        return lambda hyps, refs: [jiwer.wer(r, h) for h, r in zip(hyps, refs)]
    from rapidfuzz import process
    from rapidfuzz.distance import Indel, Levenshtein
    scorer = {"levenshtein": Levenshtein, "indel": Indel}[metric.partition("/")[0]].distance
    if metric.endswith("/loop"):
        return lambda hyps, refs: list(map(float, process.cpdist(hyps, refs, scorer=scorer)))
    return lambda hyps, refs: [scorer(h, r) for h, r in zip(hyps, refs)]


def run_peer(path, metric, seconds):
    pairs = [line.split("\t") for line in pathlib.Path(path).read_text(encoding="utf-8").split("\n") if line]
    hyps, refs = [p[0] for p in pairs], [p[1] for p in pairs]
    score = peer(metric)
    score(hyps[:10], refs[:10])
    done, total, step = 0, 0.0, 50
    start = time.process_time()
    while done < len(pairs) and time.process_time() - start < seconds:
        total += sum(score(hyps[done:done + step], refs[done:done + step]))
        done = min(len(pairs), done + step)
        step *= 2
    best = done / (time.process_time() - start)
    begin = time.process_time()
    while time.process_time() - begin < seconds:
        start = time.process_time()
        score(hyps[:done], refs[:done])
        best = max(best, done / (time.process_time() - start))
    print(json.dumps({"pairs": done, "rate": best, "mean": total / done}))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", default=str(ROOT / "build/release/tests/bench/metrics_bench"))
    parser.add_argument("--peers", default=sys.executable)
    parser.add_argument("--seconds", type=float, default=1)
    parser.add_argument("--keep", help="folder for the pairs")
    parser.add_argument("--run-peer", nargs=2, metavar=("PAIRS", "METRIC"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.run_peer:
        return run_peer(*arguments.run_peer, arguments.seconds)
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(arguments.keep or scratch)
        folder.mkdir(parents=True, exist_ok=True)
        print("| pairs | metric | library | its pairs/s | ours | ratio | mean value |\n|---|---|---|---|---|---|---|")
        for kind, least, most in (("short", 20, 80), ("long", 200, 500)):
            path = folder / f"{kind}.tsv"
            write_pairs(path, least, most, 10000)
            for metric, library in METRICS.items():
                command = [arguments.peers, __file__, "--seconds", str(arguments.seconds), "--run-peer", str(path), metric]
                theirs = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
                command = [arguments.bench, path, metric.partition("/")[0], str(theirs["pairs"]), str(arguments.seconds)]
                _, rate, mean = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\t")
                same = abs(float(mean) - theirs["mean"]) <= 1e-9 * max(1, abs(theirs["mean"]))
                print(f"| {kind} | {metric} | {library} | {theirs['rate']:,.0f} | {float(rate):,.0f} | {float(rate) / theirs['rate']:.1f} | "
                      f"{theirs['mean']:.6g}{'' if same else ' NOT ' + mean.strip()} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

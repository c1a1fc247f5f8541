#!/usr/bin/env python3
"""Writes tests/golden/bpe_merges.json: merges that BpeTrainer of the package tokenizers (0.23.3) learns from files of data/ and from
random texts of few letters, in which many pairs are equally frequent and different merges make the same token.
usage: make_bpe_goldens.py"""
import json
import pathlib
import random

import tokenizers
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

ROOT = pathlib.Path(__file__).resolve().parent.parent
SPECIAL = ["<pad>", "<bos>", "<eos>", "<sep>", "<unk>"]


def train(texts, vocab_size):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.train_from_iterator(texts, trainers.BpeTrainer(
        vocab_size=vocab_size, special_tokens=SPECIAL, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    model = json.loads(tokenizer.to_str())["model"]
    return model["vocab"], [" ".join(pair) for pair in model["merges"]]


def lines(path):
    return (ROOT / path).read_text(encoding="utf-8").rstrip("\n").split("\n")


def random_text(rng):
    letters = rng.choice(["ab", "abc", "aab", "ab ", "aé你 ", "a1 '", "st'l \n"])
    return "".join(rng.choice(letters) for _ in range(rng.randint(0, 120)))


def main():
    rng = random.Random(1)
    vocabulary, _ = train([], 261)
    golden = {"generator": f"scripts/make_bpe_goldens.py with tokenizers {tokenizers.__version__}",
              "bytes": sorted(vocabulary, key=vocabulary.get), "files": [], "texts": []}
    for path, size in (("data/poems_zh/eval.jsonl", 900), ("data/number_words/eval.jsonl", 700), ("LICENSE", 500)):
        golden["files"].append({"path": path, "vocab_size": size, "merges": train(lines(path), size)[1]})
    for _ in range(60):
        texts = [random_text(rng) for _ in range(rng.randint(1, 4))]
        size = rng.choice([261, 270, 300, 400])
        vocabulary, merges = train(texts, size)
        golden["texts"].append({"texts": texts, "vocab_size": size, "merges": merges, "tokens": len(vocabulary)})
    path = ROOT / "tests/golden/bpe_merges.json"
    path.write_text(json.dumps(golden, ensure_ascii=False, indent=0) + "\n", encoding="utf-8")


main()

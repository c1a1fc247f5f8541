#!/usr/bin/env python3
"""What a training step costs as one thing grows: completion length, group size, vocabulary, threads, model size. Each row is `pgtrain bench` on a network with
random weights (a Llama type and a GRU). Prints Markdown tables: microseconds a generated token of collect (generation and scoring), update and whole step, the step's cost a token
as a ratio to the row above (1 = linear growth), the share of the matrix-product peak, and memory.

A vocabulary is set by model.vocab_size: rows beyond the tokenizer's cost the same as rows in use, so no tokenizer of that size is needed. Not possible: a fixed
completion length. A random network draws the end token once in `vocabulary` tokens, so with 1,000 entries long completions end early (column `length`).

usage: bench_costs.py [--binary build/release/app/pgtrain] [--steps 2] [--threads 2] [--tables tokens,group,vocabulary,threads,size] [--models llama,gru]
                      [--data data/story_endings/train.jsonl]                takes about 5 minutes on 2 cores"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

BASE = """
run: {{name: costs, threads: {threads}, check_memory: false}}
data: {{train: {data}}}
tokenizer: {{kind: char}}
model: {model}
reward: [{{metric: edit_similarity}}]
rollout: {{prompts_per_step: 4, samples_per_prompt: 4, max_new_tokens: 64, shard_size: 8}}
algorithm: {{preset: grpo, kl: {{coef: 0}}}}
optimizer: {{kind: adamw, learning_rate: 1.0e-5}}
train: {{overlong: drop}}
"""
MODELS = {"llama": "{kind: llama, vocab_size: 10000, hidden_size: 128, num_layers: 4, num_heads: 4, max_positions: 4096}",
          "gru": "{kind: gru, vocab_size: 10000, embedding_size: 128, hidden_size: 256}"}
TABLES = {
    "tokens": ("max_new_tokens", [(n, {"rollout.max_new_tokens": n}) for n in (64, 128, 256, 512, 1024)]),
    "group": ("samples_per_prompt", [(n, {"rollout.samples_per_prompt": n}) for n in (2, 4, 8, 16, 32, 64)]),
    "vocabulary": ("vocab_size", [(n, {"model.vocab_size": n}) for n in (1000, 10000, 50000)]),
    "threads": ("threads", [(n, {"run.threads": n}) for n in (1, 2)]),
    "size": ("hidden_size", [(n, {"model.hidden_size": n}) for n in (64, 128, 256, 512)]),
}

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--binary", default="build/release/app/pgtrain")
parser.add_argument("--steps", type=int, default=2)
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--tables", default=",".join(TABLES))
parser.add_argument("--models", default=",".join(MODELS))
parser.add_argument("--data", default="data/story_endings/train.jsonl")
args = parser.parse_args()
for name, known, chosen in (("tables", TABLES, args.tables), ("models", MODELS, args.models)):
    unknown = set(chosen.split(",")) - set(known)
    if unknown:
        parser.error(f"--{name}: {', '.join(sorted(unknown))}; known are {', '.join(known)}")


def bench(config, settings):
    command = [args.binary, "--log-level", "error", "bench", "--config", str(config), "--steps", str(args.steps), "--json"]
    for key, value in settings.items():
        command += ["--set", f"{key}={value}"]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode != 0:
        sys.exit(f"{' '.join(command)}\nfailed with {result.returncode}:\n{result.stderr}")
    return json.loads(result.stdout)


def row_of(value, facts, before):
    samples = facts["prompts_per_step"] * facts["samples_per_prompt"]
    cost = {part: 1e6 / facts["parts"][part]["tokens_per_second"] for part in ("collect", "update", "step")}
    ratio = f"{cost['step'] / before:.2f}" if before else ""
    cells = [f"{value:,}", f"{facts['parameters']:,}", f"{facts['tokens_per_step'] / samples:.0f}", f"{facts['parts']['step']['seconds']:.2f}",
             *(f"{cost[part]:.1f}" for part in cost), ratio, f"{facts['parts']['step']['percent_of_peak']:.0f} %", f"{facts['peak_memory_mb']:.0f}"]
    return "| " + " | ".join(cells) + " |", cost["step"]


with tempfile.TemporaryDirectory() as folder:
    for model in args.models.split(","):
        config = pathlib.Path(folder) / f"{model}.yaml"
        config.write_text(BASE.format(threads=args.threads, data=args.data, model=MODELS[model]))
        for table in args.tables.split(","):
            key, rows = TABLES[table]
            print(f"\n**{model}: {table}** (else {MODELS[model]}, 4 prompts x 4 samples of 64 tokens in shards of 8, {args.threads} threads)\n")
            print(f"| {key} | parameters | length | step, s | collect, us/token | update, us/token | step, us/token | ratio to the row above | of peak | memory, MB |")
            print("|---|---|---|---|---|---|---|---|---|---|")
            before = None
            for value, settings in rows:
                line, before = row_of(value, bench(config, settings), before)
                print(line, flush=True)

#!/usr/bin/env python3
"""GRPO steps on a pretrained model, pgtrain and TRL after one another on the same machine: the same prompts per step, samples, token limit, learning
rate, optimiser (AdamW), loss (GRPO, no KL) and reward (edit similarity). Prints step time, tokens per second, memory and their ratios.

usage: bench_trl.py MODEL [--peer PYTHON trl_step.py] [--prompts 8] [--group 8] [--tokens 64] [--steps 12] [--threads 2] [--lr 1e-4]
                    [--data data/story_endings/train.jsonl] [--set a.b=c ...]          MODEL: a Hugging Face folder or a .gguf file"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("model")
parser.add_argument("--binary", default="build/release/app/pgtrain")
parser.add_argument("--peer", nargs=2, metavar=("PYTHON", "SCRIPT"))
for name, value in (("prompts", 8), ("group", 8), ("tokens", 64), ("steps", 12), ("threads", 2)):
    parser.add_argument(f"--{name}", type=int, default=value)
parser.add_argument("--lr", type=float, default=1e-4)
parser.add_argument("--data", default="data/story_endings/train.jsonl")
parser.add_argument("--set", action="append", default=[], dest="settings")
args = parser.parse_args()


def run_pgtrain():
    with tempfile.TemporaryDirectory() as folder:
        config = pathlib.Path(folder) / "bench.yaml"
        config.write_text(f"""
run: {{name: bench, directory: {folder}/run, threads: {args.threads}}}
data: {{train: {args.data}}}
model: {{kind: pretrained, path: {args.model}}}
reward: [{{metric: edit_similarity}}]
rollout: {{prompts_per_step: {args.prompts}, samples_per_prompt: {args.group}, max_new_tokens: {args.tokens}}}
algorithm: {{preset: grpo, kl: {{coef: 0}}}}
optimizer: {{kind: adamw, learning_rate: {args.lr}, max_grad_norm: 1.0}}
train: {{steps: {args.steps}, overlong: drop}}
eval: {{every: 0}}
checkpoint: {{every: 1000000}}
log: {{completions_per_step: 0, gradient_noise_every: 0}}
""")
        command = [args.binary, "--log-level", "warn", "train", "--config", str(config)]
        for setting in args.settings:
            command += ["--set", setting]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        if status != 0:
            sys.exit(f"pgtrain failed with status {status}")
        lines = lambda name: [json.loads(line) for line in (pathlib.Path(folder) / "run" / name).open()]
        timing, metrics = lines("timing.jsonl"), [row for row in lines("metrics.jsonl") if row["phase"] == "train"]
    step = statistics.median(row["step_time"] for row in timing[1:])
    length = statistics.mean(row["completions/mean_length"] for row in metrics[1:])
    samples = args.prompts * args.group
    return {"program": "pgtrain", "threads": args.threads, "samples": samples, "tokens": args.tokens, "step_s_median": round(step, 3),
            "mean_length": round(length, 1), "tok_s": round(samples * length / step),
            "collect_s": round(statistics.median(row["collect_time"] for row in timing[1:]), 3),
            "update_s": round(statistics.median(row["update_time"] for row in timing[1:]), 3),
            "reward_first": round(metrics[0]["reward"], 4), "reward_last": round(metrics[-1]["reward"], 4), "max_rss_mib": usage.ru_maxrss // 1024}


ours = run_pgtrain()
print(json.dumps(ours), flush=True)
if args.peer:
    command = [*args.peer, args.model, "--data", args.data, "--lr", str(args.lr)]
    for name in ("prompts", "group", "tokens", "steps", "threads"):
        command += [f"--{name}", str(getattr(args, name))]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode != 0:
        sys.exit(result.stderr)
    peer = json.loads(result.stdout.splitlines()[-1])
    print(json.dumps(peer))
    for key in ("step_s_median", "mean_length", "tok_s", "max_rss_mib"):
        print(f"{key:14} {ours[key]:>10} {peer[key]:>10}  {ours[key] / peer[key]:.2f}x")

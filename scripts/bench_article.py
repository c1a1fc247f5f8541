#!/usr/bin/env python3
"""Measures the classic example's GRU (vocabulary 10000, embedding and hidden 512, Adam, 64 samples of 32 tokens) in pgtrain: tokens per
second of decode (with scoring), update and whole step, best of the steps; beside a PyTorch loop when its script is given.

usage: bench_article.py [--binary build/release/app/pgtrain] [--threads 2] [--steps 12] [--peer PYTHON gru_loop.py]"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--binary", default="build/release/app/pgtrain")
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--steps", type=int, default=12)
parser.add_argument("--peer", nargs=2, metavar=("PYTHON", "SCRIPT"))
args = parser.parse_args()


def run_pgtrain():
    with tempfile.TemporaryDirectory() as folder:
        command = ["/usr/bin/env", "time", "-f", "%M", args.binary, "--log-level", "off", "train", "--config", "configs/article_gru.yaml"]
        settings = {"run.directory": folder + "/run", "run.threads": args.threads, "train.steps": args.steps, "eval.every": 0,
                    "checkpoint.every": args.steps, "log.completions_per_step": 0, "data.prompt_field": "''"}
        for key, value in settings.items():
            command += ["--set", f"{key}={value}"]
        result = subprocess.run(command, capture_output=True, text=True)
        if result.returncode != 0:
            sys.exit(result.stderr)
        rows = [json.loads(line) for line in (pathlib.Path(folder) / "run/timing.jsonl").open()]
        memory = int(result.stderr.split()[-1]) // 1024
    best = lambda key: round(max(row["tokens"] / row[key] for row in rows))
    return {"program": "pgtrain", "threads": args.threads, "decode_tok_s": best("collect_time"),
            "update_tok_s": best("update_time"), "step_tok_s": best("step_time"), "max_rss_mib": memory}


ours = run_pgtrain()
print(json.dumps(ours))
if args.peer:
    output = subprocess.run([*args.peer, "--threads", str(args.threads)], capture_output=True, text=True, check=True).stdout
    peer = json.loads(output.splitlines()[-1])
    print(json.dumps(peer))
    for key in ("decode_tok_s", "update_tok_s", "step_tok_s"):
        print(f"{key:14} {ours[key]:>8} {peer[key]:>8}  {ours[key] / peer[key]:.2f}x")
    print(f"{'max_rss_mib':14} {ours['max_rss_mib']:>8} {peer['max_rss_mib']:>8}  {ours['max_rss_mib'] / peer['max_rss_mib']:.2f}x")

#!/usr/bin/env python3
"""Every preset under the same budget of generated tokens: greedy held-out score at the start, 25, 50 and 100 % of it, and the time.

Two tasks, several seeds: number_words (digits -> words in two languages, edit similarity) and number_translation (English -> Chinese names,
chrF). The runs of one task and seed start from the same weights after the same supervised warm-up; the settings of each preset are those of
configs/presets/NAME.yaml. Two runs at a time with one thread each, so times compare presets with each other. Finished runs are not repeated.
usage: preset_table.py [--pgtrain build/release/app/pgtrain] [--seeds 3] [--folder runs/presets] [--only grpo,ppo] [--jobs 2]"""
import argparse
import concurrent.futures
import json
import pathlib
import statistics
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
PRESETS = ["reinforce", "a2c", "ppo", "rloo", "grpo", "dr_grpo", "dapo", "gspo", "cispo", "reinforce_pp", "remax", "mrt", "scst"]
TASKS = {
    "number_words": ("edit_similarity", 500_000, []),
    "number_translation": ("chrf", 250_000, ["data.train=data/number_translation/train.jsonl", "data.eval=data/number_translation/eval.jsonl",
                                     "reward.0.metric=chrf", "rollout.max_new_tokens=24"]),
}
FRACTIONS = (0.25, 0.5, 1.0)


def rows_of(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def run(job):
    options, task, preset, seed = job
    folder = options.folder / f"{task}-{preset}-{seed}"
    _, budget, settings = TASKS[task]
    command = [options.pgtrain, "--log-level", "error", "train", "--json", "--config", f"configs/presets/{preset}.yaml"]
    for setting in settings + [f"run.directory={folder}", f"run.seed={seed}", "run.threads=1", f"train.max_tokens={budget}",
                               "train.steps=100000", "eval.every=10", "eval.max_records=250", "checkpoint.every=100000",
                               "log.completions_per_step=1"]:
        command += ["--set", setting]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if result.returncode != 0:
        return f"{task} {preset} {seed}: exit {result.returncode}: {result.stderr.strip()[-300:]}"
    return None


def summary(folder, metric, budget):
    """Held-out value of the metric at the start and at each fraction of the budget (the first evaluation at or after it), and seconds."""
    tokens, evaluations = {0: 0}, []
    for row in rows_of(folder / "metrics.jsonl"):
        if row["phase"] == "train":
            tokens[row["step"]] = row["num_tokens"]
        elif row["phase"] == "eval":
            evaluations.append((row["step"], row[f"eval_rewards/{metric}/mean"]))
    scores = [evaluations[0][1]]
    for fraction in FRACTIONS:
        reached = [reward for step, reward in evaluations if tokens[step] >= fraction * budget]
        scores.append(reached[0] if reached else evaluations[-1][1])
    seconds = sum(row["step_time"] for row in rows_of(folder / "timing.jsonl"))
    return scores, seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pgtrain", default="build/release/app/pgtrain")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--folder", type=pathlib.Path, default=pathlib.Path("runs/presets"))
    parser.add_argument("--only", help="presets, separated by commas")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    presets = options.only.split(",") if options.only else PRESETS
    jobs = [(options, task, preset, seed) for seed in range(1, options.seeds + 1) for task in TASKS for preset in presets]
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        failures = list(filter(None, pool.map(run, jobs)))
    if failures:
        raise SystemExit("\n".join(failures))
    for task, (metric, budget, _) in TASKS.items():
        print(f"\n{task}, {budget:,} generated tokens, mean and standard deviation over {options.seeds} seeds:\n")
        print("| preset | start | 25 % | 50 % | 100 % | seconds of steps |\n|---|---|---|---|---|---|")
        for preset in presets:
            results = [summary(ROOT / options.folder / f"{task}-{preset}-{seed}", metric, budget) for seed in range(1, options.seeds + 1)]
            columns = list(zip(*(scores for scores, _ in results)))
            cells = [f"{statistics.mean(c):.3f} ± {statistics.stdev(c) if len(c) > 1 else 0:.3f}" for c in columns]
            print(f"| {preset} | {' | '.join(cells)} | {statistics.mean(seconds for _, seconds in results):.0f} |")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Optuna drives pgtrain: it proposes settings, `pgtrain train --json` answers with the reward on held-out texts, and trials that look bad at
a quarter of the steps are left there (`--until`). Start it again to go on with the study. Needs: pip install optuna.
usage: scripts/optuna_example.py [TRIALS=20] [CONFIG=configs/quickstart.yaml]      PGTRAIN: the binary (default build/release/app/pgtrain)"""
import json
import os
import subprocess
import sys

import optuna

trials = int(sys.argv[1]) if len(sys.argv) > 1 else 20
config = sys.argv[2] if len(sys.argv) > 2 else "configs/quickstart.yaml"
pgtrain = os.environ.get("PGTRAIN", "build/release/app/pgtrain")
rungs = ["100", "400", None]  # steps; multiples of eval.every
space = {
    "optimizer.learning_rate": optuna.distributions.FloatDistribution(1e-4, 1e-2, log=True),
    "algorithm.entropy_coef": optuna.distributions.FloatDistribution(0.0, 0.1),
    "algorithm.preset": optuna.distributions.CategoricalDistribution(["rloo", "grpo"]),
}


def train(number, settings, until):
    command = [pgtrain, "train", "--config", config, "--json", "--set", f"run.directory=runs/optuna/{number}"]
    command += [argument for key, value in settings.items() for argument in ("--set", f"{key}={value}")]
    done = subprocess.run(command + (["--until", until] if until else []), stdout=subprocess.PIPE, check=False)
    if done.returncode not in (0, 3):
        sys.exit(f"pgtrain ended with exit code {done.returncode}")
    return json.loads(done.stdout) if done.returncode == 0 else None  # 3: diverged


def run(study):
    trial = study.ask(space)
    for until in rungs:
        result = train(trial.number, trial.params, until)
        if result is None:
            return study.tell(trial, state=optuna.trial.TrialState.FAIL)
        trial.report(result["eval_reward"], result["step"])
        if result["status"] == "done":
            return study.tell(trial, result["eval_reward"])
        if trial.should_prune():
            return study.tell(trial, state=optuna.trial.TrialState.PRUNED)


os.makedirs("runs/optuna", exist_ok=True)
study = optuna.create_study(study_name="pgtrain", storage="sqlite:///runs/optuna/study.db", load_if_exists=True, direction="maximize",
                            sampler=optuna.samplers.TPESampler(seed=1), pruner=optuna.pruners.MedianPruner(n_startup_trials=4))
for _ in range(trials):
    run(study)
print(f"best: {study.best_value:.4f} with {study.best_params} (runs/optuna/{study.best_trial.number})")

#!/usr/bin/env python3
"""Does pgtrain learn as TRL's GRPOTrainer does? Both fine-tune the same small GRU with the same rewards, data and numbers (GRPO without KL).

usage: scripts/trl_parity.py [--pgtrain build/release/app/pgtrain] [--seeds 5] [--steps 60] [--work runs/trl_parity]
needs: pip install trl rapidfuzz safetensors (trl 1.16.0, transformers 5.23.0, torch 2.13.0, rapidfuzz 3.14.6 were used)

For each seed pgtrain makes a supervised warm-up; its weights are the start of both programs, which must then have the same greedy reward
on held-out records. Two comparisons:
1. Replay, with one and with two epochs a rollout. TRL trains on the very completions that pgtrain sampled, so nothing is random: rewards,
   advantages, gradient norms and weights must agree up to rounding. It samples at temperature 0.6, where special tokens do not come up:
   the log of completions does not show them.
2. Curves. Each program shuffles the prompts and samples with its own generator. The table has the mean reward of each bin of steps +- the
   standard deviation over the seeds, and the mean difference over the seeds with its 95 % interval (differences are paired: a seed has
   the same start weights in both). "inside": each mean lies within the other's +- 2 standard deviations.
Exit code 1: the replay leaves its limits, a bin is not inside, or the interval of the last 10 steps' difference leaves +- margin.
Finished runs are kept in the work folder and used again. Controls that must fail: --seeds 0 --loss-type dapo (TRL's default), dr_grpo."""
import argparse
import importlib.metadata
import json
import math
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys

os.environ["TRL_EXPERIMENTAL_SILENCE"] = "1"
import torch
from datasets import Dataset
from rapidfuzz.distance import Levenshtein
from safetensors.torch import load_file
from transformers import GenerationConfig, PrinterCallback, TrainerCallback
from transformers_gru import Gru, completion_ids, tokenizer_of
from trl import GRPOConfig, GRPOTrainer

PROMPTS, SAMPLES, MAX_TOKENS, LEARNING_RATE = 32, 8, 64, 1e-3
ROOT = pathlib.Path(__file__).resolve().parent.parent
T95 = [12.71, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093]


def pgtrain(options, seed, folder, steps, epochs, temperature=1.0):
    """Trains, or goes on from the run's last checkpoint."""
    settings = {"run.seed": seed, "run.directory": folder, "run.threads": 1, "train.steps": steps, "algorithm.epochs": epochs, "algorithm.kl.coef": 0,
                "rollout.prompts_per_step": PROMPTS, "rollout.samples_per_prompt": SAMPLES, "rollout.max_new_tokens": MAX_TOKENS,
                "rollout.temperature": temperature, "optimizer.learning_rate": LEARNING_RATE, "optimizer.max_grad_norm": 1,
                "eval.every": 100000, "checkpoint.every": 100000, "log.completions_per_step": PROMPTS * SAMPLES, "log.gradient_noise_every": 0}
    command = [options.pgtrain, "--log-level", "warn", "train", "--config", ROOT / "configs/presets/grpo.yaml"]
    subprocess.run([str(c) for c in command] + [w for k, v in settings.items() for w in ("--set", f"{k}={v}")], check=True, cwd=ROOT)


def pgtrain_from_start(options, seed, folder, *arguments):
    """Two calls, so that the start weights can be kept. Returns their folder."""
    start = folder.with_name(folder.name + "-start")
    if not start.exists():
        pgtrain(options, seed, folder, 0, *arguments[1:])
        shutil.copytree(folder / "checkpoints/latest/", start)
    pgtrain(options, seed, folder, *arguments)
    return start


def read_lines(path, phase=None):
    rows = [json.loads(line) for line in open(path, encoding="utf-8")]
    return [row for row in rows if phase is None or row["phase"] == phase]


def reward(completions, target, **_):
    return [Levenshtein.normalized_similarity(c, t) for c, t in zip(completions, target, strict=True)]


def trl(options, start, records, seed, steps, epochs, temperature=1.0, rollout=None, after_step=None):
    """The trainer after its training. rollout: TRL's rollout_func, with the records in their order."""
    config = GRPOConfig(
        output_dir=str(options.work / "trl"), seed=seed, max_steps=steps * epochs, use_cpu=True, bf16=False, fp16=False, gradient_checkpointing=False,
        per_device_train_batch_size=PROMPTS * SAMPLES, gradient_accumulation_steps=1, steps_per_generation=1, num_iterations=epochs,
        num_generations=SAMPLES, max_completion_length=MAX_TOKENS, temperature=temperature, top_k=0, top_p=1.0, beta=0.0, epsilon=0.2,
        loss_type=options.loss_type, scale_rewards="group", mask_truncated_completions=False, optim="adamw_torch", learning_rate=LEARNING_RATE,
        adam_beta1=0.9, adam_beta2=0.999, adam_epsilon=1e-8, weight_decay=0.0, max_grad_norm=1.0, lr_scheduler_type="constant", warmup_steps=0,
        logging_steps=1, save_strategy="no", report_to=[], disable_tqdm=True, dataloader_pin_memory=False, shuffle_dataset=rollout is None)
    data = Dataset.from_list([{"prompt": r["prompt"], "target": r["target"]} for r in records])
    trainer = GRPOTrainer(Gru.of_checkpoint(start), reward, config, data, processing_class=tokenizer_of(start), rollout_func=rollout)
    trainer.remove_callback(PrinterCallback)
    if after_step:
        class Watch(TrainerCallback):
            on_step_end = staticmethod(lambda *_, **__: after_step(trainer))
        trainer.add_callback(Watch)
    trainer.train()
    return trainer


def greedy_reward(model, tokenizer, records):
    total = 0
    for part in (records[i:i + 100] for i in range(0, len(records), 100)):
        batch = tokenizer([r["prompt"] for r in part], return_tensors="pt", padding=True, return_token_type_ids=False)
        greedy = GenerationConfig(max_new_tokens=MAX_TOKENS, do_sample=False, pad_token_id=0, eos_token_id=2)
        out = model.eval().generate(**batch, generation_config=greedy)[:, batch["input_ids"].size(1):]
        total += sum(reward(tokenizer.batch_decode(out, skip_special_tokens=True), [r["target"] for r in part]))
    return total / len(records)


# ---- the comparisons
def replay(options, epochs):
    """TRL on pgtrain's completions; prints the largest differences."""
    steps, folder = options.replay_steps, options.work / f"replay-{epochs}-{options.replay_steps}"
    start = pgtrain_from_start(options, 1, folder, steps, epochs, 0.6)
    rows = read_lines(folder / "completions.jsonl", "train")
    tokenizer, size = tokenizer_of(start), PROMPTS * SAMPLES
    ids = [completion_ids(tokenizer, row["completion"], row["finished"]) for row in rows]
    assert [len(i) for i in ids] == [row["length"] for row in rows], "a completion has a special token inside: take fewer --replay-steps"
    given, worst = 0, {"reward": 0.0, "advantage": 0.0}

    def rollout(prompts, _):
        nonlocal given
        part = slice(given, given + size)
        given += size
        assert prompts == [row["prompt"] for row in rows[part]]
        return {"prompt_ids": tokenizer(prompts)["input_ids"], "completion_ids": ids[part], "logprobs": None}

    def after_step(trainer):
        for name, values in (("reward", trainer._logs["rewards"]["reward"]), ("advantage", trainer._logs["advantages"])):
            pairs = zip(values, rows[given - size:given], strict=True)
            worst[name] = max(worst[name], max(abs(value - row[name]) for value, row in pairs))

    trainer = trl(options, start, rows[::SAMPLES], 1, steps, epochs, 0.6, rollout, after_step)
    norms = [log["grad_norm"] for log in trainer.state.log_history if "grad_norm" in log]
    norms = [statistics.mean(norms[i:i + epochs]) for i in range(0, len(norms), epochs)]
    ours = read_lines(folder / "metrics.jsonl", "train")
    worst["grad_norm, relative"] = max(abs(a / row["grad_norm"] - 1) for a, row in zip(norms, ours, strict=True))
    before, after = load_file(start / "model.safetensors"), load_file(folder / "checkpoints/latest/model.safetensors")
    distance = lambda pairs: math.sqrt(sum((a - b).square().sum().item() for a, b in pairs))  # noqa: E731
    apart = distance((trainer.model.parameter_of(name).detach(), value) for name, value in after.items())
    worst["weights, of their way"] = apart / distance((before[name], value) for name, value in after.items())
    clipped = statistics.mean(row.get("clip_ratio/region_mean", 0) for row in ours)
    numbers = "; ".join(f"{k} {v:.1e}" for k, v in worst.items())
    print(f"replay, {steps} steps, {epochs} epochs, {100 * clipped:.2f} % of the tokens clipped; largest differences: {numbers}", flush=True)
    limits = {"reward": 1e-6, "advantage": 1e-3, "grad_norm, relative": 1e-3, "weights, of their way": 1e-2}
    return all(worst[name] <= limit for name, limit in limits.items())


def curves_of(options, seed, records, held_out):
    """Rewards of each step and greedy reward on held-out records at the end: TRL's, pgtrain's."""
    name = f"{seed}-{options.steps}-{options.epochs}"
    folder, kept = options.work / f"pgtrain-{name}", options.work / f"trl-{options.loss_type}-{name}.json"
    start = pgtrain_from_start(options, seed, folder, options.steps, options.epochs)
    if not kept.exists():
        trainer = trl(options, start, records, seed, options.steps, options.epochs)
        rewards = [log["reward"] for log in trainer.state.log_history if "reward" in log]
        kept.write_text(json.dumps([rewards, greedy_reward(trainer.model, trainer.processing_class, held_out)]))
    ours = [row["reward"] for row in read_lines(folder / "metrics.jsonl", "train")]
    evaluations = [row["eval_reward"] for row in read_lines(folder / "metrics.jsonl", "eval")]
    difference = abs(greedy_reward(Gru.of_checkpoint(start), tokenizer_of(start), held_out) - evaluations[0])
    assert difference < 1e-6, f"the programs read the start weights differently: greedy reward differs by {difference:g}"
    print(f"seed {seed} done", file=sys.stderr)
    return *json.loads(kept.read_text()), ours, evaluations[-1]


def compare(label, theirs, ours):
    """One line of the table; theirs, ours: a number for each seed. Returns inside and the interval's ends."""
    n, a, b = len(theirs), statistics.mean(theirs), statistics.mean(ours)
    s, t = (statistics.stdev(x) if n > 1 else 0 for x in (theirs, ours))
    differences = [y - x for x, y in zip(theirs, ours, strict=True)]
    half = T95[min(n, len(T95) + 1) - 2] * statistics.stdev(differences) / math.sqrt(n) if n > 1 else math.inf
    inside = abs(a - b) <= 2 * min(s, t)
    print(f"| {label} | {a:.4f} +- {s:.4f} | {b:.4f} +- {t:.4f} | {b - a:+.4f} +- {half:.4f} | {'yes' if inside else 'no'} |", flush=True)
    return inside, b - a - half, b - a + half


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pgtrain", type=pathlib.Path, default=ROOT / "build/release/app/pgtrain")
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / "runs/trl_parity")
    for name, default in (("seeds", 5), ("steps", 60), ("epochs", 1), ("bin", 10), ("replay-steps", 20)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--margin", type=float, default=0.02)
    parser.add_argument("--loss-type", default="grpo")
    options = parser.parse_args()
    if options.seeds == 1:
        parser.error("one seed has no spread: --seeds 2 or more, or 0 for the replay alone")
    options.pgtrain, options.work = options.pgtrain.resolve(), options.work.resolve()
    options.work.mkdir(parents=True, exist_ok=True)
    version = subprocess.run([options.pgtrain, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    packages = [f"{name} {importlib.metadata.version(name)}" for name in ("trl", "transformers", "torch", "rapidfuzz")]
    print(", ".join([version, f"python {platform.python_version()}"] + packages))
    records, held_out = (read_lines(ROOT / f"data/number_words/{part}.jsonl") for part in ("train", "eval"))
    ok = all([replay(options, epochs) for epochs in (1, 2)]) if options.replay_steps else True
    if options.seeds == 0:
        return 0 if ok else 1
    runs = [curves_of(options, seed, records, held_out) for seed in range(1, options.seeds + 1)]
    print(f"\n{options.seeds} seeds, {PROMPTS} prompts x {SAMPLES} samples, {options.epochs} epochs, learning rate {LEARNING_RATE:g}\n"
          "| steps | TRL | pgtrain | pgtrain - TRL | inside |\n|---|---|---|---|---|")

    def line(label, begin, end):
        mean = lambda curve: statistics.mean(curve[begin:end])  # noqa: E731
        return compare(label, [mean(run[0]) for run in runs], [mean(run[2]) for run in runs])

    for begin in range(0, options.steps, options.bin):
        end = min(begin + options.bin, options.steps)
        ok &= line(f"{begin + 1} to {end}", begin, end)[0]
    _, low, high = line("last 10", -10, None)
    compare("held out, greedy, at the end", [run[1] for run in runs], [run[3] for run in runs])
    ok &= -options.margin <= low and high <= options.margin
    print("equal" if ok else "APART")
    return 0 if ok else 1


if __name__ == "__main__":
    torch.set_num_threads(1)
    sys.exit(main())

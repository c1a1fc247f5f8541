#!/usr/bin/env python3
"""Does pgtrain compute what transformers computes? Logits of whole texts (training path) and 200 greedy tokens after 3 prompts (decoding
path) of a GPT-2, Llama with each scaling of rotary positions, Qwen2, Qwen3, Mistral with a sliding window, and of trained models.

usage: scripts/model_parity.py [--work FOLDER] [--model-logits build/release/tests/tools/model_logits] [MODEL...]
       MODEL: a Hugging Face folder or a .gguf file; default: data/models/stories260K
needs: pip install torch transformers gguf (torch 2.13.0, transformers 5.23.0 were used)

scripts/make_parity_models.py makes the models and transformers' answers in float32; they are kept in the work folder and used again. Where
a greedy token differs, transformers' logits at this place are looked at: with the two tokens closer than --tolerance they are a tie, which
ends the comparison of this line but is no failure. "control" is the largest difference when one number of the model's config.json is
changed a little (rotary factor 8 -> 7.9, window 24 -> 25, ...): it must be more than twice the tolerance, or the table would prove
nothing. Exit code 1: a difference above the tolerance, a token that differs without a tie, or a blind control."""
import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

os.environ.setdefault("HF_HUB_OFFLINE", "1")
import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent
# What the control changes: the path of a key in config.json, and its other value.
CONTROLS = {"gpt2": (["activation_function"], "gelu"), "llama3_scaled": (["rope_parameters", "factor"], 7.9),
            "llama_linear": (["rope_parameters", "factor"], 3.9), "llama_yarn": (["rope_parameters", "factor"], 3.9),
            "qwen2": (["rope_parameters", "rope_theta"], 10100.0), "qwen3": (["rope_parameters", "rope_theta"], 10100.0),
            "mistral": (["sliding_window"], 25)}


def our_answer(program, model, lines, *arguments):
    text = "".join(json.dumps(line) + "\n" for line in lines)
    return subprocess.run([program, model, *arguments], input=text.encode(), stdout=subprocess.PIPE, check=True).stdout


def our_logits(program, model, lines):
    """One array [ids, vocabulary] a line."""
    values = np.frombuffer(our_answer(program, model, lines), dtype=np.float32)
    values = values.reshape(sum(map(len, lines)), -1)
    return np.split(values, np.cumsum([len(line) for line in lines])[:-1])


def read_lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def reference_model(path):
    import torch
    import transformers
    path = path.resolve()
    where = dict(pretrained_model_name_or_path=str(path.parent), gguf_file=path.name) if path.is_file() else \
        dict(pretrained_model_name_or_path=str(path))
    return transformers.AutoModelForCausalLM.from_pretrained(**where, dtype=torch.float32).eval()


def gap(model, prompt, theirs, ours):
    """By how much transformers' logit of its token is above that of ours."""
    import torch
    with torch.no_grad():
        logits = model(torch.tensor([prompt])).logits[0, -1]
    return float(logits[theirs] - logits[ours])


def compare_greedy(options, folder):
    """Equal tokens, compared tokens, gaps at the places where lines part."""
    prompts = [line[:8] for line in read_lines(folder / "ids.jsonl")[:3]]
    wanted = read_lines(folder / "greedy.jsonl")
    answer = our_answer(options.model_logits, folder / "model", prompts, "--greedy", str(len(wanted[0])))
    equal, gaps, model = 0, [], None
    for prompt, theirs, ours in zip(prompts, wanted, map(json.loads, answer.splitlines())):
        same = next((i for i, pair in enumerate(zip(theirs, ours)) if pair[0] != pair[1]), len(theirs))
        equal += same
        if same < len(theirs):
            model = model or reference_model(folder / "model")
            gaps.append(gap(model, prompt + theirs[:same], theirs[same], ours[same]))
    return equal, sum(map(len, wanted)), gaps


def control(options, folder, lines, wanted):
    keys, value = CONTROLS[folder.name]
    with tempfile.TemporaryDirectory() as other:
        other = pathlib.Path(other) / "model"
        shutil.copytree(folder / "model", other)
        config = json.loads((other / "config.json").read_text())
        place = config
        for key in keys[:-1]:
            place = place[key]
        place[keys[-1]] = value
        (other / "config.json").write_text(json.dumps(config))
        return float(np.abs(np.concatenate(our_logits(options.model_logits, other, lines)) - wanted).max())


def compare(options, folder):
    """Prints the row of a model; whether it is as it must be."""
    lines = read_lines(folder / "ids.jsonl")
    ours = np.concatenate(our_logits(options.model_logits, folder / "model", lines))
    theirs = np.fromfile(folder / "logits.bin", dtype=np.float32).reshape(ours.shape)
    difference = float(np.abs(ours - theirs).max())
    equal, compared, gaps = compare_greedy(options, folder)
    seen = control(options, folder, lines, theirs) if folder.name in CONTROLS else None
    good = difference <= options.tolerance and all(g <= options.tolerance for g in gaps) and (seen is None or seen > 2 * options.tolerance)
    ties = f" (parts at gaps {', '.join(f'{g:.1e}' for g in gaps)})" if gaps else ""
    print(f"| {folder.name} | {ours.shape[0]} x {ours.shape[1]} | {theirs.std():.2f} | {difference:.1e} | {equal} of {compared}{ties} | "
          f"{'' if seen is None else f'{seen:.1e}'} | {'ok' if good else 'FAIL'} |", flush=True)
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / "runs/model_parity")
    parser.add_argument("--model-logits", type=pathlib.Path, default=ROOT / "build/release/tests/tools/model_logits")
    parser.add_argument("--tolerance", type=float, default=2e-4)
    parser.add_argument("models", nargs="*", type=pathlib.Path, default=[ROOT / "data/models/stories260K"])
    options = parser.parse_args()
    names = list(CONTROLS) + [model.name for model in options.models]
    if not all((options.work / name / "greedy.jsonl").exists() for name in names):
        subprocess.run([sys.executable, ROOT / "scripts/make_parity_models.py", options.work, *options.models], check=True)
    print("| model | logits | standard deviation | largest difference | greedy tokens equal | control | |\n|---|---|---|---|---|---|---|")
    results = [compare(options, options.work / name) for name in names]
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main()

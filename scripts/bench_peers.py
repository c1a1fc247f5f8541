#!/usr/bin/env python3
"""Measures pgtrain beside other programs that do the same work on the same machine, one after the other, and writes the medians of several runs as JSON for
scripts/draw_speed.py.

usage: bench_peers.py --output RESULTS.json [--article PYTHON gru_loop.py] [--trl PYTHON trl_step.py MODEL]... [--llama PYTHON MODEL]...
                      [--binary build/release/app/pgtrain] [--runs 3] [--steps 12] [--threads 2] [--data data/story_endings/train.jsonl] [--append]

--article   decode, update and step of the classic example's GRU, beside a PyTorch loop (scripts/bench_article.py)
--trl       a GRPO step on a pretrained model, beside TRL's GRPOTrainer (scripts/bench_trl.py): 8 prompts x 8 samples x 64 tokens, or as MODEL@2x8x32 says
--llama     generation from a pretrained model, beside llama.cpp: MODEL as a GGUF file in float32, 16 prompts of the data in one batch, temperature 1, until the
            end token or 64 tokens. Both times hold the reading of the prompts and the sampling; pgtrain's holds the scoring, too. PYTHON can import llama_cpp.
Given for several models, an option adds one work for each. With --append the works are added to those that the output file holds.

Measure on an idle machine (the results tell the load average before): the threads of PyTorch and llama.cpp wait for one another by spinning, so with several
threads a second program on the same cores slows them far more than pgtrain, whose workers seldom wait. llama.cpp runs with its library's default settings."""
import argparse
import json
import os
import pathlib
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time

SEQUENCES, TOKENS = 16, 64
HERE = pathlib.Path(__file__).resolve()


def run(command):
    result = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if result.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\nfailed with {result.returncode}:\n{result.stderr}")
    return result.stdout


def json_lines(text):
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


# ---- generation with llama.cpp, in a process of its own with the Python that has it ----

def llama_decode(gguf, prompts, threads, rounds=4):
    """Prints {"tok_s": median of the rounds but the first, ...}."""
    import llama_cpp as lib
    lib.llama_backend_init()
    silent = lib.llama_log_callback(lambda *_: None)  # must live as long as the library may call it
    lib.llama_log_set(silent, None)
    model_params = lib.llama_model_default_params()
    model_params.n_gpu_layers = 0
    model = lib.llama_model_load_from_file(gguf.encode(), model_params)
    vocab = lib.llama_model_get_vocab(model)

    def tokenize(text):
        data = text.encode()
        ids = (lib.llama_token * (len(data) + 8))()
        count = lib.llama_tokenize(vocab, data, len(data), ids, len(ids), True, False)
        return list(ids[:count])

    ids = [tokenize(text) for text in prompts]
    params = lib.llama_context_default_params()
    params.n_ctx = len(ids) * (max(map(len, ids)) + TOKENS + 32)
    params.n_batch = params.n_ubatch = max(512, sum(map(len, ids)))
    params.n_seq_max = len(ids)
    params.n_threads = params.n_threads_batch = threads
    context = lib.llama_init_from_model(model, params)
    if not context:
        sys.exit("llama.cpp cannot make a context")
    batch = lib.llama_batch_init(params.n_batch, 0, len(ids))
    chain = lib.llama_sampler_chain_init(lib.llama_sampler_chain_default_params())
    lib.llama_sampler_chain_add(chain, lib.llama_sampler_init_temp(1.0))
    lib.llama_sampler_chain_add(chain, lib.llama_sampler_init_dist(1))

    def put(token, position, sequence, wants_logits):
        i = batch.n_tokens
        batch.token[i], batch.pos[i], batch.n_seq_id[i], batch.logits[i] = token, position, 1, wants_logits
        batch.seq_id[i][0] = sequence
        batch.n_tokens = i + 1
        return i

    def decode():
        if lib.llama_decode(context, batch) != 0:
            sys.exit("llama_decode failed")

    def generate():
        lib.llama_memory_clear(lib.llama_get_memory(context), True)
        batch.n_tokens, drawn = 0, 0
        running = []  # (sequence, its length, index of its logits)
        for sequence, prompt in enumerate(ids):
            for position, token in enumerate(prompt):
                last = put(token, position, sequence, position + 1 == len(prompt))
            running.append((sequence, len(prompt), last))
        decode()
        for step in range(TOKENS):
            batch.n_tokens, still = 0, []
            for sequence, length, index in running:
                token = lib.llama_sampler_sample(chain, context, index)
                drawn += 1
                if not lib.llama_vocab_is_eog(vocab, token) and step + 1 < TOKENS:
                    still.append((sequence, length + 1, put(token, length, sequence, True)))
            running = still
            if not running:
                break
            decode()
        return drawn

    rates = []
    for _ in range(rounds):
        start = time.perf_counter()
        drawn = generate()
        rates.append(drawn / (time.perf_counter() - start))
    print(json.dumps({"program": f"llama.cpp (llama-cpp-python {lib.__version__})", "tok_s": statistics.median(rates[1:]), "tokens": drawn}))


# ---- the works ----

def work(name, peer, peer_rates, our_rates, unit="tokens/s"):
    return {"work": name, "unit": unit, "peer": peer, "peer_value": statistics.median(peer_rates), "pgtrain_value": statistics.median(our_rates),
            "ratio": statistics.median(our_rates) / statistics.median(peer_rates), "peer_runs": peer_rates, "pgtrain_runs": our_rates}


def article(args, python, script):
    pairs = [json_lines(run([sys.executable, HERE.parent / "bench_article.py", "--binary", args.binary, "--threads", args.threads, "--steps", args.steps,
                             "--peer", python, script])) for _ in range(args.runs)]
    version = pairs[0][1].get("torch", "").split("+")[0]
    for key, name in (("decode_tok_s", "generate"), ("update_tok_s", "update"), ("step_tok_s", "whole step")):
        yield work(f"GRU, {name}", f"PyTorch {version}", [peer[key] for _, peer in pairs], [ours[key] for ours, _ in pairs])


def trl(args, python, script, model):
    model, _, sizes = model.partition("@")
    sizes = sizes or "8x8x64"
    prompts, group, tokens = sizes.split("x")
    pairs = [json_lines(run([sys.executable, HERE.parent / "bench_trl.py", model, "--binary", args.binary, "--threads", args.threads, "--steps", args.steps,
                             "--prompts", prompts, "--group", group, "--tokens", tokens, "--data", args.data, "--peer", python, script])) for _ in range(args.runs)]
    version = pairs[0][1].get("trl", "")
    name = f"{pathlib.Path(model).name} {sizes.replace('x', ' x ')}"
    yield work(f"GRPO step, {name}", f"TRL {version}", [peer["tok_s"] for _, peer in pairs], [ours["tok_s"] for ours, _ in pairs])


def llama(args, python, model):
    records = [json.loads(line) for line in pathlib.Path(args.data).read_text(encoding="utf-8").splitlines()[:SEQUENCES]]
    if len(records) < SEQUENCES:
        sys.exit(f"{args.data}: {len(records)} records, {SEQUENCES} are needed")
    with tempfile.TemporaryDirectory() as folder:
        gguf, prompts, data, config = (pathlib.Path(folder) / name for name in ("model.gguf", "prompts.json", "data.jsonl", "decode.yaml"))
        run([args.binary, "--log-level", "error", "convert", model, "--format", "gguf", "--dtype", "f32", "--output", gguf])
        prompts.write_text(json.dumps([record["prompt"] for record in records]))
        data.write_text("".join(json.dumps({"prompt": record["prompt"], "target": record["target"]}) + "\n" for record in records))
        config.write_text(f"""
run: {{name: decode, threads: {args.threads}}}
data: {{train: {data}}}
model: {{kind: pretrained, path: {model}}}
reward: [{{metric: edit_similarity}}]
rollout: {{prompts_per_step: {SEQUENCES}, samples_per_prompt: 1, max_new_tokens: {TOKENS}, shard_size: {-(-SEQUENCES // args.threads)}}}
algorithm: {{preset: reinforce}}
optimizer: {{learning_rate: 0}}
train: {{overlong: error}}
""")
        ours, peers = [], []
        for _ in range(args.runs):
            facts = json.loads(run([args.binary, "--log-level", "error", "bench", "--config", config, "--steps", args.steps, "--json"]))
            ours.append(facts["parts"]["collect"]["tokens_per_second"])
            peers.append(json_lines(run([python, HERE, "--decode-gguf", gguf, prompts, args.threads]))[-1])
    yield work(f"generate, {pathlib.Path(model).name}", "llama.cpp", [peer["tok_s"] for peer in peers], ours)


def main():
    if sys.argv[1:2] == ["--decode-gguf"]:
        return llama_decode(sys.argv[2], json.loads(pathlib.Path(sys.argv[3]).read_text()), int(sys.argv[4]))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", required=True, type=pathlib.Path)
    parser.add_argument("--binary", default="build/release/app/pgtrain")
    for name, value in (("runs", 3), ("steps", 12), ("threads", 2)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--data", default="data/story_endings/train.jsonl")
    parser.add_argument("--article", nargs=2, action="append", default=[], metavar=("PYTHON", "SCRIPT"))
    parser.add_argument("--trl", nargs=3, action="append", default=[], metavar=("PYTHON", "SCRIPT", "MODEL"))
    parser.add_argument("--llama", nargs=2, action="append", default=[], metavar=("PYTHON", "MODEL"))
    parser.add_argument("--append", action="store_true")
    args = parser.parse_args()
    if not (args.article or args.trl or args.llama):
        parser.error("nothing to measure: give --article, --trl or --llama")
    doctor = json.loads(subprocess.run([args.binary, "doctor", "--json"], capture_output=True, text=True).stdout)
    processor = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    results = {"machine": processor.group(1) if processor else platform.machine(), "cores": doctor["cores"], "threads": args.threads,
               "pgtrain": doctor["pgtrain"], "row_kernels": doctor["row_kernels"], "blas": doctor["blas"], "runs": args.runs, "load_average_before": os.getloadavg()[0], "works": []}
    if args.append and args.output.exists():
        results["works"] = json.loads(args.output.read_text())["works"]
    for kind, given in ((article, args.article), (trl, args.trl), (llama, args.llama)):
        for arguments in given:
            for result in kind(args, *arguments):
                results["works"].append(result)
                print(f"{result['work']:28} {result['peer']:16} {result['peer_value']:>10.0f}  pgtrain {result['pgtrain_value']:>10.0f}  {result['ratio']:.2f}x",
                      flush=True)
                args.output.write_text(json.dumps(results, indent=1) + "\n")  # after each work: a later one may fail


sys.exit(main())

#!/usr/bin/env python3
"""Makes small models with random weights, and their answers, for scripts/model_parity.sh: GPT-2, Qwen2, Qwen3, Mistral with a sliding window,
and Llama with llama3, linear and yarn scaling of its rotary positions, as Hugging Face writes them. Needs torch and transformers.

usage: make_parity_models.py OUT_FOLDER [MODEL...]      MODEL: a folder or a .gguf file, of which only the answers are wanted

For each model OUT_FOLDER/NAME/ has model/ (or a link `model` to MODEL), ids.jsonl (one array of ids a line), logits.bin (float32, [ids, vocabulary] for each line,
one after the other), greedy.jsonl (the 200 most probable tokens after each of the first 3 lines' first 8 ids)."""
import json
import os
import pathlib
import sys

os.environ.setdefault("HF_HUB_OFFLINE", "1")
import torch
import transformers as tf

LINES, LENGTH, GREEDY = 6, 160, 200


def random_models():
    llama = dict(vocab_size=700, hidden_size=96, intermediate_size=200, num_hidden_layers=3, num_attention_heads=6, num_key_value_heads=2,
                 max_position_embeddings=1024, bos_token_id=1, eos_token_id=2)

    def rope(**scaling):
        return {"rope_parameters": {"rope_theta": 10000.0, **scaling}}

    yield "gpt2", tf.GPT2Config(vocab_size=600, n_embd=96, n_layer=3, n_head=6, n_positions=512, bos_token_id=0, eos_token_id=0)
    yield "llama3_scaled", tf.LlamaConfig(**llama, **rope(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
                                                          original_max_position_embeddings=64))
    yield "llama_linear", tf.LlamaConfig(**llama, **rope(rope_type="linear", factor=4.0), attention_bias=True, mlp_bias=True)
    yield "llama_yarn", tf.LlamaConfig(**llama, **rope(rope_type="yarn", factor=4.0, original_max_position_embeddings=64), head_dim=20,
                                       tie_word_embeddings=True)
    yield "qwen2", tf.Qwen2Config(**llama, tie_word_embeddings=True, use_sliding_window=False)
    yield "qwen3", tf.Qwen3Config(**llama, head_dim=24, tie_word_embeddings=False)
    yield "mistral", tf.MistralConfig(**llama, sliding_window=24)


def answers(model, folder):
    vocabulary = model.config.vocab_size
    generator = torch.Generator().manual_seed(3)
    limit = min(LENGTH, getattr(model.config, "max_position_embeddings", LENGTH))
    lines = [torch.randint(3, vocabulary, (limit - 7 * i,), generator=generator).tolist() for i in range(LINES)]
    (folder / "ids.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    with torch.no_grad(), open(folder / "logits.bin", "wb") as out:
        for line in lines:
            out.write(model(torch.tensor([line])).logits[0].float().numpy().tobytes())
        greedy = []
        for line in lines[:3]:
            ids = line[:8]
            cache = None
            step = torch.tensor([ids])
            tokens = []
            for _ in range(GREEDY):
                result = model(step, past_key_values=cache, use_cache=True)
                cache = result.past_key_values
                tokens.append(int(result.logits[0, -1].argmax()))
                step = torch.tensor([[tokens[-1]]])
            greedy.append(tokens)
    (folder / "greedy.jsonl").write_text("".join(json.dumps(row) + "\n" for row in greedy))


def main():
    out = pathlib.Path(sys.argv[1])
    torch.manual_seed(1)
    for name, config in random_models():
        folder = out / name
        (folder / "model").mkdir(parents=True, exist_ok=True)
        model = tf.AutoModelForCausalLM.from_config(config).float().eval()
        with torch.no_grad():  # larger than at the start of training, so that a mistake shows
            for parameter in model.parameters():
                parameter.copy_(torch.randn(parameter.shape) * (0.3 if parameter.dim() == 1 else 0.12) + (1 if parameter.dim() == 1 else 0))
        model.save_pretrained(folder / "model")
        answers(model, folder)
    for path in map(pathlib.Path, sys.argv[2:]):
        folder = out / path.name
        folder.mkdir(parents=True, exist_ok=True)
        link = folder / "model"
        if not link.is_symlink():
            link.symlink_to(path.resolve())
        where = dict(pretrained_model_name_or_path=str(path.parent), gguf_file=path.name) if path.suffix == ".gguf" else \
            dict(pretrained_model_name_or_path=str(path))
        answers(tf.AutoModelForCausalLM.from_pretrained(**where, dtype=torch.float32).eval(), folder)


main()

#!/usr/bin/env python3
"""Reference numbers of transformers and peft for tests/nn: random tiny models of every supported kind, and stories260K.
Writes tests/golden/transformers.json (configurations, ids, greedy continuations) and tests/golden/transformers.safetensors (weights
rounded to float16, logits and gradients in float32, names "model/tensor").
usage: make_transformer_goldens.py    needs torch, transformers >= 5, peft, safetensors; made with 2.13.0, 5.23.0, 0.21.2, 0.8.0"""
import json
import pathlib

import torch
from peft import LoraConfig, get_peft_model, get_peft_model_state_dict
from safetensors.torch import save_file
from transformers import (AutoModelForCausalLM, GPT2Config, LlamaConfig, MistralConfig, Qwen2Config, Qwen3Config)

GOLDEN = pathlib.Path(__file__).parent.parent / "tests" / "golden"
GREEDY = 200
VOCABULARY = 40
torch.set_num_threads(1)


def llama(**more):
    base = dict(vocab_size=VOCABULARY, hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=4,
                max_position_embeddings=256, tie_word_embeddings=True, bos_token_id=1, eos_token_id=None)
    return {**base, **more}


def gpt2(**more):
    base = dict(vocab_size=VOCABULARY, n_embd=16, n_layer=2, n_head=4, n_positions=256, bos_token_id=1, eos_token_id=None)
    return {**base, **more}


YARN = dict(rope_type="yarn", rope_theta=10000.0, factor=4.0, original_max_position_embeddings=64)
MODELS = {
    "gpt2": GPT2Config(**gpt2()),
    "gpt2_erf_untied": GPT2Config(**gpt2(activation_function="gelu", n_inner=20, tie_word_embeddings=False)),
    "llama_plain": LlamaConfig(**llama()),
    "llama_llama3": LlamaConfig(**llama(num_key_value_heads=2, tie_word_embeddings=False, rope_parameters=dict(
        rope_type="llama3", rope_theta=500000.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
        original_max_position_embeddings=32))),
    "llama_linear_bias": LlamaConfig(**llama(num_key_value_heads=1, attention_bias=True, mlp_bias=True, head_dim=6, rope_parameters=dict(
        rope_type="linear", rope_theta=10000.0, factor=2.5))),
    "llama_yarn": LlamaConfig(**llama(rope_parameters=YARN, head_dim=16)),
    "llama_yarn_mscale": LlamaConfig(**llama(rope_parameters=dict(YARN, mscale=1.0, mscale_all_dim=0.5, beta_fast=16.0, truncate=False),
                                             head_dim=16)),
    "qwen2": Qwen2Config(**llama(num_key_value_heads=2)),
    "qwen3": Qwen3Config(**llama(num_key_value_heads=2, head_dim=8)),
    "mistral_window": MistralConfig(**llama(num_key_value_heads=2, sliding_window=7)),
}


def make(name, config):
    torch.manual_seed(sum(map(ord, name)))
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32, attn_implementation="eager").eval()
    with torch.no_grad():
        for key, tensor in model.named_parameters():
            is_norm = "norm" in key or "ln_" in key
            tensor.copy_((1 + 0.2 * torch.randn_like(tensor) if is_norm and key.endswith("weight") else 0.35 * torch.randn_like(tensor))
                         .to(torch.float16).float())
    return model


def greedy(model, ids):
    """Without a cache of keys, so that only the plain forward pass is trusted."""
    ids = list(ids)
    for _ in range(GREEDY):
        with torch.no_grad():
            ids.append(int(model(torch.tensor([ids]), use_cache=False).logits[0, -1].argmax()))
    return ids[-GREEDY:]


def logits(model, ids):
    with torch.no_grad():
        return model(torch.tensor([ids]), use_cache=False).logits[0].contiguous()


def stored(model):
    tied = model.config.tie_word_embeddings
    return {key: value.to(torch.float16).contiguous() for key, value in model.state_dict().items() if not (tied and key == "lm_head.weight")}


def adapters(name, config, tensors, **lora):
    """The same base weights as make(name), random adapters, logits and the gradient of the summed log-probabilities."""
    model = get_peft_model(make(name, config), LoraConfig(task_type="CAUSAL_LM", lora_dropout=0.0, **lora)).eval()
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for key, tensor in model.named_parameters():
            if "lora_" in key:
                tensor.copy_(0.3 * torch.randn(tensor.shape, generator=generator))
    ids = torch.randint(VOCABULARY, (14,), generator=generator).tolist()
    x = torch.tensor([ids])
    torch.log_softmax(model(x, use_cache=False).logits[0, :-1], -1).gather(1, x[0, 1:, None]).sum().backward()
    gradients = {key.replace(".default", ""): p.grad for key, p in model.named_parameters() if p.grad is not None}
    case = f"lora_{name}"
    for key, tensor in get_peft_model_state_dict(model).items():
        tensors[f"{case}/{key}"] = tensor.contiguous()
        tensors[f"{case}/gradient/{key}"] = gradients[key].contiguous()
    tensors[f"{case}/logits"] = logits(model, ids)
    return {"base": name, "ids": ids, "rank": lora["r"], "alpha": lora["lora_alpha"], "use_rslora": lora.get("use_rslora", False),
            "target_modules": sorted(lora["target_modules"])}


def main():
    tensors, cases = {}, {}
    for name, config in MODELS.items():
        model = make(name, config)
        ids = torch.randint(VOCABULARY, (33,)).tolist()
        for key, value in stored(model).items():
            tensors[f"{name}/{key}"] = value
        tensors[f"{name}/logits"] = logits(model, ids)
        cases[name] = {"config": json.loads(config.to_json_string(use_diff=False)), "ids": ids, "greedy": greedy(model, ids[:5])}
    model = AutoModelForCausalLM.from_pretrained(GOLDEN / "stories260K-hf", dtype=torch.float32, attn_implementation="eager").eval()
    ids = [1, 403, 407, 261, 378]
    tensors["stories260K/logits"] = logits(model, ids)
    cases["stories260K"] = {"ids": ids, "greedy": greedy(model, ids)}
    lora = {"llama": adapters("llama_linear_bias", MODELS["llama_linear_bias"], tensors, r=3, lora_alpha=6, target_modules=[
                "q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]),
            "gpt2": adapters("gpt2", MODELS["gpt2"], tensors, r=4, lora_alpha=8, use_rslora=True, target_modules=["c_attn", "c_proj", "c_fc"]),
            "qwen2": adapters("qwen2", MODELS["qwen2"], tensors, r=2, lora_alpha=5, target_modules=["q_proj", "v_proj"])}
    save_file(tensors, GOLDEN / "transformers.safetensors")
    (GOLDEN / "transformers.json").write_text(json.dumps({"models": cases, "lora": lora}) + "\n")


if __name__ == "__main__":
    main()

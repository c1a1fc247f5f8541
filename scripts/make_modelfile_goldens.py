#!/usr/bin/env python3
"""Makes tests/golden/modelfile with the Python packages gguf, safetensors, transformers and peft: what they write, and what they say
that such files mean. All weights are random numbers. Versions used: gguf 0.19.0, safetensors 0.8.0, transformers 5.23.0, peft 0.21.2,
torch 2.13.0, numpy 2.4.6.
usage: scripts/make_modelfile_goldens.py [FOLDER]      default tests/golden/modelfile"""
import json
import pathlib
import shutil
import sys

import gguf
import numpy as np
import torch
from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType as Type
from gguf.quants import dequantize, quantize
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.numpy import load_file, save_file
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

out = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "tests/golden/modelfile")
rng = np.random.default_rng(7)
VOCABULARY = 40
HALVES = {"Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0], "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208]}


def random_blocks(name, count):
    """Blocks of random bits, so that every bit of the layout matters; the scales are ordinary halves."""
    size = GGML_QUANT_SIZES[Type[name]][1]
    blocks = rng.integers(0, 256, (count, size), dtype=np.uint8)
    for at in HALVES[name]:
        scales = rng.normal(0, 0.05, count).astype(np.float16)
        blocks[:, at:at + 2] = scales.view(np.uint8).reshape(count, 2)
    return blocks


def make_quants():
    tensors = {}
    for name in HALVES:
        blocks = random_blocks(name, 4)
        tensors[f"{name}.blocks"] = blocks.ravel()
        tensors[f"{name}.values"] = dequantize(blocks, Type[name]).astype(np.float32).ravel()
    values = rng.normal(0, 1, (6, 32)).astype(np.float32)
    values[1] = 0
    values[2] = np.arange(32, dtype=np.float32) * 127 / 31 - 63.5  # halves and a largest value in the middle
    values[3, 0] = 127
    values[3, 1:] = np.arange(1, 32, dtype=np.float32) - 15.5  # d = 1: every value lies between two integers
    values[4] *= 1e-8
    values[5] *= 1e4
    tensors["quantize.values"] = values.ravel()
    tensors["quantize.Q8_0"] = quantize(values, Type.Q8_0).ravel()
    halves = rng.integers(0, 0x7c00, 64, dtype=np.uint16) | (rng.integers(0, 2, 64, dtype=np.uint16) << 15)
    tensors["F16.blocks"] = halves.view(np.uint8)
    tensors["F16.values"] = halves.view(np.float16).astype(np.float32)
    bfloats = (rng.normal(0, 3, 64).astype(np.float32).view(np.uint32) >> 16).astype(np.uint16)
    tensors["BF16.blocks"] = bfloats.view(np.uint8)
    tensors["BF16.values"] = (bfloats.astype(np.uint32) << 16).view(np.float32)
    save_file(tensors, out / "quants.safetensors")


def permute(weights, heads):
    """The row order of GGUF's architecture llama: pairs that rotate together lie side by side."""
    return weights.reshape(heads, 2, weights.shape[0] // heads // 2, *weights.shape[1:]).swapaxes(1, 2).reshape(weights.shape)


def add_vocabulary(writer):
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list([f"t{i}" for i in range(VOCABULARY - 1)] + ["\u0120\u00e9"])
    writer.add_token_types([3, 3] + [1] * (VOCABULARY - 2))
    writer.add_token_merges(["t 1", "t1 2"])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(1)
    writer.add_add_bos_token(False)
    writer.add_chat_template("{{ messages[0]['content'] }}")


def add(writer, name, values, kind):
    """Adds the tensor in that type and returns what it holds then."""
    values = np.ascontiguousarray(values, dtype=np.float32)
    if values.ndim == 1:
        kind = "F32"
    if kind in HALVES and kind not in ("Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1"):  # gguf cannot quantise these: random blocks
        raw = random_blocks(kind, values.size // 256)
        raw = raw.reshape(values.shape[0], -1)
    else:
        raw = quantize(values, Type[kind])
    writer.add_tensor(name, raw, raw_dtype=Type[kind])
    return dequantize(raw, Type[kind]).astype(np.float32).reshape(values.shape)


def finish(writer):
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def make_llama_gguf():
    """Every readable type once, Llama 3's rope scaling, grouped queries; the expected tensors under Hugging Face names."""
    hidden, inner, heads, kv_heads = 32, 256, 4, 2
    writer = gguf.GGUFWriter(str(out / "llama.gguf"), "llama")
    writer.add_context_length(64)
    writer.add_embedding_length(hidden)
    writer.add_block_count(1)
    writer.add_feed_forward_length(inner)
    writer.add_head_count(heads)
    writer.add_head_count_kv(kv_heads)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(500000.0)
    writer.add_rope_dimension_count(hidden // heads)
    writer.add_vocab_size(VOCABULARY)
    add_vocabulary(writer)
    normal = lambda *shape: rng.normal(0, 0.1, shape).astype(np.float32)
    expected = {}
    put = lambda gguf_name, hf_name, values, kind: expected.__setitem__(hf_name, add(writer, gguf_name, values, kind))
    put("token_embd.weight", "model.embed_tokens.weight", normal(VOCABULARY, hidden), "Q4_1")
    put("output_norm.weight", "model.norm.weight", normal(hidden), "F32")
    put("output.weight", "lm_head.weight", normal(VOCABULARY, hidden), "Q5_1")
    layer = "model.layers.0."
    put("blk.0.attn_norm.weight", layer + "input_layernorm.weight", normal(hidden), "F32")
    put("blk.0.ffn_norm.weight", layer + "post_attention_layernorm.weight", normal(hidden), "F32")
    for short, count in (("q", heads), ("k", kv_heads)):
        # The file holds permuted rows; Hugging Face's are those that the permutation was made of. Blocks run along a row, so both
        # orders quantise alike.
        values = normal(count * hidden // heads, hidden)
        kind = {"q": "Q8_0", "k": "Q4_0"}[short]
        add(writer, f"blk.0.attn_{short}.weight", permute(values, count), kind)
        expected[f"{layer}self_attn.{short}_proj.weight"] = dequantize(quantize(values, Type[kind]), Type[kind])
    put("blk.0.attn_v.weight", layer + "self_attn.v_proj.weight", normal(kv_heads * hidden // heads, hidden), "BF16")
    put("blk.0.attn_output.weight", layer + "self_attn.o_proj.weight", normal(hidden, hidden), "F16")
    put("blk.0.ffn_gate.weight", layer + "mlp.gate_proj.weight", normal(inner, hidden), "Q5_0")
    put("blk.0.ffn_up.weight", layer + "mlp.up_proj.weight", normal(inner, hidden), "F16")
    put("blk.0.ffn_down.weight", layer + "mlp.down_proj.weight", normal(hidden, inner), "Q6_K")
    add(writer, "rope_freqs.weight", llama3_factors(500000.0, hidden // heads, 8.0), "F32")
    finish(writer)
    save_file(expected, out / "llama.safetensors")


def llama3_factors(theta, head_dim, factor):
    """What transformers' own scaling divides the frequencies by."""
    scaling = {"rope_type": "llama3", "rope_theta": theta, "factor": factor, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
               "original_max_position_embeddings": 8192}
    config = LlamaConfig(hidden_size=head_dim, num_attention_heads=1, num_key_value_heads=1, head_dim=head_dim, rope_parameters=scaling)
    scaled, _ = ROPE_INIT_FUNCTIONS["llama3"](config, device="cpu")
    plain = theta ** (-torch.arange(0, head_dim, 2, dtype=torch.float64) / head_dim)
    return (plain / scaled.double()).numpy().astype(np.float32)


def make_gpt2_gguf():
    model = GPT2LMHeadModel(GPT2Config(n_embd=16, n_layer=1, n_head=2, n_positions=12, vocab_size=VOCABULARY, bos_token_id=0, eos_token_id=1))
    names = {"wte.weight": "token_embd.weight", "wpe.weight": "position_embd.weight", "ln_f": "output_norm", "ln_1": "attn_norm", "ln_2": "ffn_norm",
             "attn.c_attn": "attn_qkv", "attn.c_proj": "attn_output", "mlp.c_fc": "ffn_up", "mlp.c_proj": "ffn_down"}
    writer = gguf.GGUFWriter(str(out / "gpt2.gguf"), "gpt2")
    writer.add_context_length(12)
    writer.add_embedding_length(16)
    writer.add_block_count(1)
    writer.add_feed_forward_length(64)
    writer.add_head_count(2)
    writer.add_layer_norm_eps(1e-5)
    add_vocabulary(writer)
    expected = {}
    for name, tensor in model.state_dict().items():
        if name == "lm_head.weight":
            continue
        values = tensor.numpy() + rng.normal(0, 0.1, tensor.shape).astype(np.float32)
        expected[name] = np.ascontiguousarray(values, dtype=np.float32)
        short = name.removeprefix("transformer.").removeprefix("h.0.")
        for hf, other in names.items():
            if short.startswith(hf):
                stored = values.T if any(key in name for key in ("c_attn.weight", "c_proj.weight", "c_fc.weight")) else values
                add(writer, ("blk.0." if ".h.0." in name else "") + other + short[len(hf):], stored, "F32")
    finish(writer)
    save_file(expected, out / "gpt2.safetensors")


def tiny_llama():
    torch.manual_seed(3)
    config = LlamaConfig(hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
                         vocab_size=VOCABULARY, max_position_embeddings=64, bos_token_id=0, eos_token_id=1)
    model = LlamaForCausalLM(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    return model


def make_sharded():
    model = tiny_llama().to(torch.bfloat16)
    model.save_pretrained(out / "sharded", max_shard_size="12KB")
    save_file({name: value.float().numpy() for name, value in model.state_dict().items()}, out / "sharded.safetensors")


def make_exports():
    """The sharded model as llama.cpp's converter encodes it: matrices in the type, vectors in F32; rows of 48 are no multiple of 32,
    so there Q8_0 gives way to F16."""
    weights = load_file(out / "sharded.safetensors")
    pairs = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output", "input_layernorm": "attn_norm",
             "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
             "post_attention_layernorm": "ffn_norm", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down"}
    for kind in ("F16", "Q8_0"):
        tensors = {}
        for name, values in weights.items():
            parts = name.removesuffix(".weight").split(".", 3)
            inner = parts[1] == "layers" if len(parts) > 1 else False
            short = f"blk.{parts[2]}.{pairs[parts[3]]}" if inner else pairs[".".join(parts)]
            if "q_proj" in name or "k_proj" in name:
                values = permute(values, 4 if "q_proj" in name else 2)
            used = "F32" if values.ndim == 1 else "F16" if values.shape[-1] % 32 else kind
            raw = np.ascontiguousarray(quantize(np.ascontiguousarray(values), Type[used]))
            tensors[f"{short}.weight|{used}"] = raw.view(np.uint8).ravel()
        save_file(tensors, out / f"export_{kind}.safetensors")


def make_adapters():
    for name, base, config in (
            ("lora_llama", tiny_llama(), LoraConfig(r=2, lora_alpha=6, target_modules=["q_proj", "down_proj"], task_type="CAUSAL_LM")),
            ("lora_gpt2", GPT2LMHeadModel(GPT2Config(n_embd=16, n_layer=1, n_head=2, n_positions=12, vocab_size=VOCABULARY)),
             LoraConfig(r=3, lora_alpha=6, use_rslora=True, target_modules=["c_attn"], fan_in_fan_out=True, task_type="CAUSAL_LM"))):
        torch.manual_seed(5)
        before = {key: value.clone() for key, value in base.state_dict().items()}
        model = get_peft_model(base, config)
        with torch.no_grad():
            for key, parameter in model.named_parameters():
                if "lora_" in key:
                    parameter.normal_(0, 0.3)
        model.save_pretrained(out / name)
        (out / name / "README.md").unlink()
        after = model.merge_and_unload().state_dict()
        changed = [key for key in before if not torch.equal(before[key], after[key])]
        tensors = {f"before.{key}": before[key].numpy() for key in changed} | {f"after.{key}": after[key].numpy() for key in changed}
        save_file(tensors, out / f"{name}.safetensors")


def make_rope_factors():
    cases = [{"theta": theta, "head_dim": head_dim, "factor": factor, "factors": llama3_factors(theta, head_dim, factor).tolist()}
             for theta, head_dim, factor in ((500000.0, 64, 32.0), (500000.0, 128, 8.0), (10000.0, 8, 2.0))]
    (out / "rope_factors.json").write_text(json.dumps(cases) + "\n")


shutil.rmtree(out, ignore_errors=True)
out.mkdir(parents=True)
make_quants()
make_llama_gguf()
make_gpt2_gguf()
make_sharded()
make_exports()
make_adapters()
make_rope_factors()
(out / "README.md").write_text("""Made by scripts/make_modelfile_goldens.py, which names the versions: files written by the Python packages gguf, transformers, safetensors and
peft, and what these packages read from them. All weights are random numbers; nothing comes from a published model. Licence: as the repository.
""")
print("\n".join(f"{path.stat().st_size:8} {path}" for path in sorted(out.rglob("*")) if path.is_file()))

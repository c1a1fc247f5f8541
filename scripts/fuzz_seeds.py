#!/usr/bin/env python3
"""Writes the first inputs of a fuzzing target: valid ones, from tests/golden or made here. A target without a function here begins with nothing.
usage: scripts/fuzz_seeds.py TARGET FOLDER"""
import json
import pathlib
import random
import struct
import sys

GOLDEN = pathlib.Path("tests/golden")


def metrics():
    rng = random.Random(1)
    for number, line in enumerate((GOLDEN / "text_metrics.jsonl").read_text(encoding="utf-8").splitlines()):
        row = json.loads(line)
        if "hypothesis" in row:
            texts = [row["hypothesis"], *row["references"]]
            options = bytes([rng.randrange(5), rng.randrange(4), rng.randrange(256), rng.randrange(2), 4, 7, rng.choice([1, 4]), 48, 16, number % 24])
            yield options + b"\xff".join(text.encode() for text in texts)


def text(value):
    return struct.pack("<Q", len(value.encode())) + value.encode()


def gguf_file(architecture, kind, extra=()):
    """A model of one layer and width 32 (256 for 256-value blocks), matrices of zeros in the ggml type."""
    types = {0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 12: (256, 144), 13: (256, 176), 14: (256, 210), 30: (1, 2)}
    width = 256 if types[kind][0] == 256 else 32
    u32 = lambda key, value: text(key) + struct.pack("<II", 4, value)
    f32 = lambda key, value: text(key) + struct.pack("<If", 6, value)
    strings = lambda key, values: text(key) + struct.pack("<IIQ", 9, 8, len(values)) + b"".join(map(text, values))
    arch = architecture + "."
    entries = [text("general.architecture") + struct.pack("<I", 8) + text(architecture), u32(arch + "context_length", 8), u32(arch + "embedding_length", width),
               u32(arch + "block_count", 1), u32(arch + "feed_forward_length", width), u32(arch + "attention.head_count", 2),
               u32(arch + "attention.head_count_kv", 1), f32(arch + "attention.layer_norm_rms_epsilon", 1e-5), f32(arch + "rope.freq_base", 1e4),
               text("tokenizer.ggml.model") + struct.pack("<I", 8) + text("gpt2"), strings("tokenizer.ggml.tokens", ["a", "b"]),
               strings("tokenizer.ggml.merges", ["a b"]), text("tokenizer.ggml.token_type") + struct.pack("<IIQ2i", 9, 5, 2, 1, 3),
               text("tokenizer.ggml.scores") + struct.pack("<IIQ2f", 9, 6, 2, 0, -1), u32("tokenizer.ggml.bos_token_id", 0),
               text("tokenizer.ggml.add_bos_token") + struct.pack("<IB", 7, 1), *extra]
    matrices = {"token_embd.weight": 2, "blk.0.ffn_up.weight": 2} if architecture == "gpt2" else {
        "token_embd.weight": 2, "blk.0.attn_q.weight": 4, "blk.0.attn_k.weight": 2}
    infos, data = b"", b""
    for name, rows in matrices.items():
        infos += text(name) + struct.pack("<IQQIQ", 2, width, rows, kind, len(data))
        data += bytes(rows * width // types[kind][0] * types[kind][1])
        data += bytes(-len(data) % 32)
    if architecture == "llama":
        infos += text("rope_freqs.weight") + struct.pack("<IQIQ", 1, width // 4, 0, len(data))
        data += struct.pack("<f", 1) * (width // 4)
    head = b"GGUF" + struct.pack("<IQQ", 3, infos.count(b".weight"), len(entries)) + b"".join(entries) + infos
    return head + bytes(-len(head) % 32) + data


def gguf():
    for kind in (0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 30):
        yield gguf_file("llama", kind)
    yield gguf_file("gpt2", 0)
    yield gguf_file("qwen2", 8, [text("qwen2.rope.scaling.type") + struct.pack("<I", 8) + text("yarn"),
                                 text("qwen2.rope.scaling.factor") + struct.pack("<If", 6, 2.0)])
    yield gguf_file("qwen3", 1, [text("general.languages") + struct.pack("<IIQ", 9, 9, 1) + struct.pack("<IQ", 0, 1) + b"x"])
    yield from (path.read_bytes() for path in sorted((GOLDEN / "modelfile").glob("*.gguf")))


def safetensors_file(tensors, metadata=None):
    """tensors: {name: (dtype, shape, bytes)}"""
    header, data = {}, b""
    if metadata:
        header["__metadata__"] = metadata
    for name, (dtype, shape, values) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(values)]}
        data += values
    head = json.dumps(header).encode()
    head += b" " * (-len(head) % 8)
    return struct.pack("<Q", len(head)) + head + data


def safetensors():
    yield (GOLDEN / "tensors.safetensors").read_bytes()
    yield safetensors_file({})
    yield safetensors_file({"a": ("F32", [2], bytes(8)), "b": ("BOOL", [1], b"\1"), "c": ("BF16", [], bytes(2))}, {"format": "pt"})


def parts(*texts):
    return b"".join(struct.pack("<H", len(value.encode())) + value.encode() for value in texts)


def hf_folder():
    weights = safetensors_file({"wte.weight": ("F16", [2, 2], bytes(8)), "h.0.attn.bias": ("BOOL", [1], b"\1")})
    index = json.dumps({"metadata": {"total_size": 9}, "weight_map": {"wte.weight": "a.safetensors", "h.0.attn.bias": "a.safetensors"}})
    chat = json.dumps({"chat_template": [{"name": "default", "template": "x"}]})
    yield parts('{"model_type": "gpt2"}', index, chat) + weights
    yield parts('{"model_type": "llama", "tie_word_embeddings": true}', "", '{"chat_template": "x"}') + weights
    yield parts('{"model_type": "llama"}', json.dumps({"weight_map": {"a": "../a.safetensors"}}), "") + weights


def peft():
    for folder in ("lora_llama", "lora_gpt2"):
        yield (parts((GOLDEN / "modelfile" / folder / "adapter_config.json").read_text()) +
               (GOLDEN / "modelfile" / folder / "adapter_model.safetensors").read_bytes())
    module = "base_model.model.q.lora_"
    yield parts('{"peft_type": "LORA", "r": 1, "target_modules": ["q"]}') + safetensors_file(
        {module + "A.weight": ("F32", [1, 1], bytes(4)), module + "B.weight": ("BF16", [1, 1], bytes(2))})


SEEDS = {"metrics": metrics, "gguf": gguf, "safetensors": safetensors, "hf_folder": hf_folder, "peft": peft}
target, folder = sys.argv[1], pathlib.Path(sys.argv[2])
for number, seed in enumerate(SEEDS.get(target, tuple)()):
    (folder / f"seed{number:03}").write_bytes(seed)

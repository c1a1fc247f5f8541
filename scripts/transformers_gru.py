"""A checkpoint of pgtrain (model kind gru with one layer, tokenizer kind char) as a transformers model and tokenizer."""
import json

import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import GenerationMixin, PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerFast
from transformers.modeling_outputs import BaseModelOutput, CausalLMOutputWithPast


class GruConfig(PreTrainedConfig):
    model_type = "pgtrain_gru"


class Backbone(torch.nn.Module):
    def __init__(self, config):
        super().__init__()
        self.embedding = torch.nn.Embedding(config.vocab_size, config.embedding_size)
        self.rnn = torch.nn.GRU(config.embedding_size, config.hidden_size, batch_first=True)

    def forward(self, input_ids, attention_mask=None, state=None, **_):
        """Rows are turned left by their left padding, so that the state never sees a pad, and back afterwards."""
        x = self.embedding(input_ids)
        if state is not None:
            return BaseModelOutput(last_hidden_state=self.rnn(x, state)[0])
        length = x.size(1)
        pads = torch.zeros(x.size(0), dtype=torch.long) if attention_mask is None else attention_mask.argmax(1)
        turn = lambda y, by: y.gather(1, ((torch.arange(length) + by[:, None]) % length)[..., None].expand_as(y))  # noqa: E731
        return BaseModelOutput(last_hidden_state=turn(self.rnn(turn(x, pads))[0], -pads))


class Gru(PreTrainedModel, GenerationMixin):
    config_class, base_model_prefix = GruConfig, "model"

    def __init__(self, config):
        super().__init__(config)
        self.model = Backbone(config)
        self.head = torch.nn.Linear(config.hidden_size, config.vocab_size)
        self.post_init()

    @classmethod
    def of_checkpoint(cls, folder):
        config = json.loads((folder / "config.json").read_text())
        assert config.pop("model_type") == "pgtrain_gru" and config["num_layers"] == 1, "a GRU with one layer"
        model = cls(GruConfig(**config))
        with torch.no_grad():
            for name, value in load_file(folder / "model.safetensors").items():
                model.parameter_of(name).copy_(value)
        return model

    def parameter_of(self, name):
        return self.get_parameter(name if name.startswith("head.") else "model." + name)

    def get_input_embeddings(self):
        return self.model.embedding

    def get_output_embeddings(self):
        return self.head

    def forward(self, input_ids, attention_mask=None, state=None, **_):
        hidden = self.model(input_ids, attention_mask, state).last_hidden_state
        output = CausalLMOutputWithPast(logits=self.head(hidden))
        output["state"] = hidden[:, -1:].transpose(0, 1).contiguous()
        return output

    def prepare_inputs_for_generation(self, input_ids, attention_mask=None, state=None, **_):
        return {"input_ids": input_ids if state is None else input_ids[:, -1:], "attention_mask": attention_mask, "state": state}

    def _update_model_kwargs_for_generation(self, outputs, model_kwargs, *args, **kwargs):
        return super()._update_model_kwargs_for_generation(outputs, model_kwargs, *args, **kwargs) | {"state": outputs["state"]}

    def _prepare_cache_for_generation(self, *args, **kwargs):
        """The state is all the cache there is."""


def tokenizer_of(folder):
    """<bos> prompt <sep>, one token a character."""
    saved = json.loads((folder / "tokenizer.json").read_text())
    assert saved["kind"] == "char"
    special = saved["special_tokens"]
    tokenizer = Tokenizer(models.WordLevel({t: i for i, t in enumerate(special + saved["tokens"])}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    tokenizer.decoder = decoders.Fuse()
    tokenizer.post_processor = processors.TemplateProcessing(single="<bos> $A <sep>", special_tokens=[("<bos>", 1), ("<sep>", 3)])
    names = {name + "_token": f"<{name}>" for name in ("pad", "bos", "eos", "sep", "unk")}
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, padding_side="left", **names)


def completion_ids(tokenizer, text, finished):
    return tokenizer(text, add_special_tokens=False)["input_ids"] + [tokenizer.eos_token_id] * bool(finished)

#!/usr/bin/env python3
"""Compares tests/golden/rl_family.json with what TRL's and verl's own functions compute from the same inputs.

usage: check_rl_goldens.py tests/golden/rl_family.json
needs: pip install trl torch, and pip install --no-deps verl (trl 1.16.0, verl 0.9.1, torch 2.13.0 were used).
TRL: GRPOTrainer._compute_loss and RLOOTrainer._compute_loss run on a stand-in for the trainer whose model returns our log-probabilities;
the advantage block of GRPOTrainer is cut out of its source and executed. verl: core_algos.py and torch_functional.py run as they are,
with stand-ins for the packages that they only need for types. Prints the worst difference of each comparison; exit code 1 above 1e-9
(verl adds 1e-8 to the divisors of means and whitens with a clamp: those lines say their limit)."""
import importlib.util
import inspect
import json
import pathlib
import sys
import textwrap
import types
from collections import defaultdict

import torch

torch.set_default_dtype(torch.float64)
golden = json.load(open(sys.argv[1], encoding="utf-8"))
inputs = golden["inputs"]
G = inputs["group_size"]
tensor = torch.tensor
mask, new, old, ref = (tensor(inputs[k]) for k in ("mask", "log_prob", "old_log_prob", "ref_log_prob"))
reward = tensor(inputs["reward"])
B, T = mask.shape
advantage = tensor(golden["advantages"]["group_norm_group"])
failures = 0


def compare(name, actual, expected, limit=1e-9):
    global failures
    worst = (torch.as_tensor(actual).double() - torch.as_tensor(expected).double()).abs().max().item()
    failures += not worst <= limit
    print(f"{'ok  ' if worst <= limit else 'BAD '} {name:70} {worst:.1e}" + ("" if limit == 1e-9 else f"  (limit {limit:g})"))


def compare_loss(name, run, golden_name, limit=1e-9):
    """run(log_prob) -> scalar; value and gradient."""
    x = new.clone().requires_grad_(True)
    loss = run(x)
    loss.backward()
    compare(name + " value", loss, golden["losses"][golden_name]["loss"], limit)
    compare(name + " gradient", x.grad * mask, golden["losses"][golden_name]["grad"], limit)


# ---- TRL
from trl.rewards import get_soft_overlong_punishment  # noqa: E402
from trl.trainer.grpo_trainer import GRPOTrainer, nanstd  # noqa: E402
from trl.trainer.rloo_trainer import RLOOTrainer  # noqa: E402

SimpleNamespace = types.SimpleNamespace


def stand_in(x, **options):
    accelerator = SimpleNamespace(num_processes=1, sync_gradients=True, gather=lambda t: t, reduce=lambda t, reduction: t, gather_for_metrics=lambda t: t)
    settings = dict(loss_type="dapo", importance_sampling_level="token", epsilon_low=0.2, epsilon_high=0.2, beta=0.0, off_policy_mask_threshold=None)
    delta = options.pop("delta", None)
    settings.update(options)
    return SimpleNamespace(_get_per_token_logps_and_entropies=lambda *a, **k: (x, torch.zeros_like(x), None), aux_loss_enabled=False, top_entropy_quantile=1.0,
                           args=SimpleNamespace(delta=delta, use_bias_correction_kl=False, steps_per_generation=1), use_vllm=False, model=SimpleNamespace(training=False),
                           current_gradient_accumulation_steps=1, _entropy_bonus_enabled=False, _metrics={"eval": defaultdict(list)}, accelerator=accelerator,
                           max_completion_length=inputs["normaliser"], get_off_policy_mask=GRPOTrainer.get_off_policy_mask, **settings)


ids = torch.zeros(B, T, dtype=torch.long)
trl_inputs = {"prompt_ids": ids[:, :1], "prompt_mask": ids[:, :1], "completion_ids": ids, "completion_mask": mask, "advantages": advantage,
              "old_per_token_logps": old, "ref_per_token_logps": ref, "num_items_in_batch": mask.sum(), "old_logps": (old * mask).sum(1)}
TRL = {"token_mean": "dapo", "sequence_mean_token_mean": "grpo", "fixed_normaliser": "dr_grpo"}


def trl_loss(name, golden_name, trainer=GRPOTrainer, **options):
    compare_loss(f"TRL {trainer.__name__} {name}", lambda x: trainer._compute_loss(stand_in(x, **options), None, trl_inputs), golden_name)


for how, kind in TRL.items():
    trl_loss(f"loss_type={kind}", f"ppo_0.2/{how}", loss_type=kind)
for how in ("token_mean", "sequence_mean_token_mean"):
    kind = TRL[how]
    trl_loss(f"{kind}, epsilon_high=.28", f"ppo_0.2_0.28/{how}", loss_type=kind, epsilon_high=0.28)
    trl_loss(f"{kind}, delta=1.4", f"ppo_max_ratio_1.4/{how}", loss_type=kind, delta=1.4)
    trl_loss(f"{kind}, importance_sampling_level=sequence", f"gspo_0.05_0.1/{how}", loss_type=kind, importance_sampling_level="sequence", epsilon_low=0.05,
             epsilon_high=0.1)
trl_loss("cispo, epsilon_high=5", "cispo_5/token_mean", loss_type="cispo", epsilon_high=5.0)
trl_loss("cispo, epsilon_high=1.2", "cispo_1.2/token_mean", loss_type="cispo", epsilon_high=1.2)
trl_loss("grpo, beta=.04, off_policy_mask_threshold=.1", "ppo_0.2_masked_0.1_plus_0.04_k3/sequence_mean_token_mean", loss_type="grpo", beta=0.04,
         off_policy_mask_threshold=0.1)
trl_loss("", "sequence_ratio_0.2", trainer=RLOOTrainer)
trainer = stand_in(new, loss_type="dapo", epsilon_high=0.28)
GRPOTrainer._compute_loss(trainer, None, trl_inputs)
expected = golden["ratio_statistics"]["token_0.2_0.28"]
for key in ("low", "high"):
    compare(f"TRL clip_ratio/{key}_mean (float32)", trainer._metrics["eval"][f"clip_ratio/{key}_mean"], expected[key], 1e-7)

source = inspect.getsource(GRPOTrainer._generate_and_score_completions).splitlines()
begin = next(i for i, line in enumerate(source) if 'multi_objective_aggregation == "sum_then_normalize"' in line)
end = next(i for i, line in enumerate(source) if "nan_to_num(advantages" in line) + 1
block = compile(textwrap.dedent("\n".join(source[begin:end])), "trl advantages", "exec")
for name, mode, scale in (("group_mean", "sum_then_normalize", "none"), ("group_norm_group", "sum_then_normalize", "group"),
                          ("group_norm_batch", "sum_then_normalize", "batch"), ("gdpo", "normalize_then_sum", "group")):
    per_function = tensor(inputs["parts"]) if name == "gdpo" else reward[:, None]
    weights = tensor(inputs["part_weights"]) if name == "gdpo" else torch.ones(1)
    scope = {"torch": torch, "nanstd": nanstd, "device": "cpu", "num_generations": G, "rewards_per_func": per_function, "unscorable_mask": torch.zeros(B, dtype=bool),
             "self": SimpleNamespace(multi_objective_aggregation=mode, scale_rewards=scale, reward_weights=weights, reward_funcs=list(weights))}
    exec(block, scope)
    compare(f"TRL advantage {name} ({mode}, scale_rewards={scale})", scope["advantages"], golden["advantages"][name])
overlong = golden["overlong"]
for key in ("16/4", "16/16", "16/0"):
    longest, buffer = map(int, key.split("/"))
    compare(f"TRL get_soft_overlong_punishment({longest}, {buffer})",
            get_soft_overlong_punishment(longest, buffer)(completion_ids=[[1] * n for n in overlong["lengths"]]), overlong[key])

# ---- verl
import transformers  # noqa: E402, F401   (before the stand-ins)

folder = pathlib.Path(next(iter(importlib.util.find_spec("verl").submodule_search_locations)))


class Anything:
    def __init__(self, **options):
        self.__dict__.update(options)

    def get(self, key, default=None):
        return getattr(self, key, default)


def module(name, **members):
    sys.modules[name] = made = types.ModuleType(name)
    made.__dict__.update(members)
    return made


def load(name, path):
    spec = importlib.util.spec_from_file_location(name, path)
    sys.modules[name] = made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


for name in ("verl", "verl.trainer", "verl.workers"):
    module(name)
module("tensordict", TensorDict=Anything)
module("omegaconf", DictConfig=Anything)
module("verl.trainer.config", AlgoConfig=type("AlgoConfig", (), {}))
module("verl.workers.config", ActorConfig=Anything)
module("verl.utils.device", get_device_name=lambda: "cpu", get_torch_device=lambda: None)
module("verl.utils.import_utils", deprecated=lambda *a, **k: lambda f: f)
module("verl.utils", as_torch_index=None, group_mean_std=None)
sys.modules["verl.utils"].torch_functional = load("verl.utils.torch_functional", folder / "utils/torch_functional.py")
verl = load("core_algos", folder / "trainer/ppo/core_algos.py")

index = [i // G for i in range(B)]
# verl wants the whole reward at the last token; row 3 has none, so its reward sits under the mask there.
at_end = torch.zeros(B, T)
for i, length in enumerate(inputs["lengths"]):
    at_end[i, max(length - 1, 0)] = reward[i]
rows = (("leave_one_out", verl.compute_rloo_outcome_advantage, {}), ("group_mean", verl.compute_grpo_outcome_advantage, {"norm_adv_by_std_in_grpo": False}),
        ("optimal_length", verl.compute_opo_outcome_advantage, {}),
        ("pass_at_k", verl.compute_grpo_passk_outcome_advantage, {"config": Anything(norm_adv_by_std_in_grpo=False), "norm_adv_by_std_in_grpo": False}),
        ("pass_at_k_by_std", verl.compute_grpo_passk_outcome_advantage, {"config": Anything(norm_adv_by_std_in_grpo=True)}),
        ("group_norm_group", verl.compute_grpo_outcome_advantage, {"epsilon": 1e-4}))
for name, function, options in rows:
    result, _ = function(token_level_rewards=at_end, response_mask=mask, index=index, **options)
    compare(f"verl {function.__name__} {name}", result, tensor(golden["advantages"][name])[:, None] * mask)
# verl gives ReMax a reward-to-go: without tokens there is nothing to compare (row 3 is 0 in both).
result, _ = verl.compute_remax_outcome_advantage(token_level_rewards=at_end, reward_baselines=tensor(inputs["greedy"]).repeat_interleave(G), response_mask=mask)
compare("verl compute_remax_outcome_advantage", result, tensor(golden["advantages"]["greedy"])[:, None] * mask)

returns = golden["returns"]
token_rewards = tensor(returns["token_rewards"]["k1"])
for gamma in (1.0, 0.95):
    result, to_go = verl.compute_reinforce_plus_plus_outcome_advantage(token_level_rewards=token_rewards, response_mask=mask, config=Anything(gamma=gamma))
    compare(f"verl reinforce_plus_plus returns gamma={gamma}", to_go * mask, returns["discounted_k1"][str(gamma)])
    compare(f"verl reinforce_plus_plus gamma={gamma}", result, returns["reinforce_pp_k1"][f"{gamma}/unbiased"], 1e-8)
result, _ = verl.compute_reinforce_plus_plus_baseline_outcome_advantage(token_level_rewards=at_end, response_mask=mask, index=tensor(index).numpy())
compare("verl reinforce_plus_plus_baseline", result, returns["reinforce_pp_baseline"]["unbiased"], 1e-8)
item = returns["gae_k1"]
result, to_go = verl.compute_gae_advantage_return(token_rewards, tensor(inputs["values"]), mask, item["gamma"], item["lambda"])
raw = tensor(item["advantages"])
compare("verl gae returns", to_go * mask, (raw + tensor(inputs["values"])) * mask)
compare("verl gae advantages (whitened)", result * mask, sys.modules["verl.utils.torch_functional"].masked_whiten(raw, mask) * mask, 1e-8)

VERL = {"token_mean": "token-mean", "sequence_mean_token_mean": "seq-mean-token-mean"}
rows_advantage = advantage[:, None].expand(B, T)


def verl_loss(name, function, golden_name, advantages=rows_advantage, **options):
    how = golden_name.split("/")[1]
    config = Anything(**{"clip_ratio": 0.2, "clip_ratio_low": 0.2, "clip_ratio_high": 0.2, "clip_ratio_c": 1e9, "global_batch_info": {"global_batch_size": B},
                         **options})
    compare_loss(f"verl {name} {VERL[how]}", lambda x: function(old, x, advantages, mask, loss_agg_mode=VERL[how], config=config)[0], golden_name, 1e-8)


for how in VERL:
    verl_loss("vanilla .2", verl.compute_policy_loss_vanilla, f"ppo_0.2/{how}")
    verl_loss("vanilla .2 .28", verl.compute_policy_loss_vanilla, f"ppo_0.2_0.28/{how}", clip_ratio_high=0.28)
    verl_loss("vanilla clip_ratio_c=1.5", verl.compute_policy_loss_vanilla, f"ppo_dual_1.5/{how}", clip_ratio_c=1.5)
    verl_loss("cispo clip_ratio_high=.2, low=1", verl.compute_policy_loss_cispo, f"cispo_1.2/{how}", clip_ratio_low=1.0)
    verl_loss("gspo, token advantages", verl.compute_policy_loss_gspo, f"gspo_token_0.05_0.1/{how}", tensor(inputs["token_advantage"]), clip_ratio_low=0.05,
              clip_ratio_high=0.1)
verl_loss("gspo, row advantages = sequence form", verl.compute_policy_loss_gspo, "gspo_0.05_0.1/sequence_mean_token_mean", clip_ratio_low=0.05, clip_ratio_high=0.1)
for name, tokens in golden["kl"].items():
    compare(f"verl kl_penalty {name}", verl.kl_penalty_forward(new, ref, name) * mask, tokens["tokens"])
value = golden["value_loss"]
v = tensor(inputs["values"], requires_grad=True)
loss, _ = verl.compute_value_loss(v, tensor(value["returns"]), tensor(inputs["old_values"]), mask, value["clip_range"])
loss.backward()
compare("verl value loss", loss, value["loss"])
compare("verl value loss gradient", v.grad * mask, value["grad"])
trace = golden["controllers"]["kl"]
controller = verl.AdaptiveKLController(trace["coef"], trace["target"], trace["horizon"])
coefs = []
for observed, _ in trace["trace"]:
    controller.update(observed, trace["n"])
    coefs.append(controller.value)
compare("verl AdaptiveKLController", coefs, [c for _, c in trace["trace"]])
print("all equal" if failures == 0 else f"{failures} differ")
sys.exit(1 if failures else 0)

#!/usr/bin/env python3
"""Writes reference numbers for the policy-gradient family (tests/golden/rl_family.json), in float64.

Written from the papers' formulas, without our code: advantages, returns and controllers as plain Python loops over lists, losses
with PyTorch's autograd. scripts/check_rl_goldens.py compares the output with what TRL's and verl's own functions give.
usage: make_rl_family_goldens.py OUT.json        needs torch (2.13.0 was used)
Arrays are [batch, time] or [batch]; mask 1 = counted. Row 3 has no tokens, group 2 has equal rewards. Every loss lists its value and
d loss / d log_prob (0 under the mask)."""
import argparse
import json
import math
import random

import torch

parser = argparse.ArgumentParser()
parser.add_argument("out")
arguments = parser.parse_args()
torch.set_default_dtype(torch.float64)
random.seed(296)  # with this one every branch (clipped low, high, dual, masked) is taken several times

B, T, G = 12, 6, 4
LENGTHS = [6, 1, 3, 0, 4, 6, 2, 5, 3, 3, 1, 6]
PARTS = 3


def table(draw):
    return [[draw() for _ in range(T)] for _ in range(B)]


mask = [[1.0 if t < n else 0.0 for t in range(T)] for n in LENGTHS]
old = table(lambda: -0.05 - 3 * random.random())
new = [[x + random.gauss(0, 0.6) for x in row] for row in old]
ref = [[x + random.gauss(0, 0.4) for x in row] for row in old]
values, old_values = table(lambda: random.gauss(0, 1)), table(lambda: random.gauss(0, 1))
token_advantage = table(lambda: random.gauss(0, 1))
reward = [random.random() for _ in range(8)] + [0.3] * 4
reward[5] = reward[4]  # a tie in group 1, not for the first place
greedy = [random.random() for _ in range(B // G)]
parts = [[random.random(), 5 * random.random(), float(random.random() < 0.5)] for _ in range(B)]
for row in parts[8:]:
    row[1] = 0.7  # one part does not vary in group 2
part_weights = [1.0, 0.5, 2.0]
groups = [range(g * G, (g + 1) * G) for g in range(B // G)]


def mean(x):
    return sum(x) / len(x)


def std(x):
    """Unbiased."""
    m = mean(x)
    return math.sqrt(sum((v - m) ** 2 for v in x) / (len(x) - 1))


def per_group(f):
    """f(rewards of the group, index in the group, index in the batch), for every completion."""
    return [f([reward[j] for j in group], i - group.start, i) for group in groups for i in group]


def pass_at_k(by_std):
    def advantage(r, i, _):
        ordered = sorted(r, reverse=True)
        lead = (ordered[0] - ordered[1]) / (std(r) + 1e-6 if by_std else 1)
        return lead if r[i] == ordered[0] else 0.0
    return per_group(advantage)


def optimal_length(r, i, index):
    lengths = [LENGTHS[j] for j in range(index - i, index - i + G)]
    return r[i] - sum(n * x for n, x in zip(lengths, r)) / sum(lengths)


def gdpo():
    score = []
    for group in groups:
        columns = [[parts[j][k] for j in group] for k in range(PARTS)]
        for j in group:
            score.append(sum(w * (parts[j][k] - mean(c)) / (std(c) + 1e-4) for k, (w, c) in enumerate(zip(part_weights, columns))))
    return [(s - mean(score)) / (std(score) + 1e-4) for s in score]


advantages = {
    "constant_0.4": [r - 0.4 for r in reward],
    "greedy": [r - greedy[i // G] for i, r in enumerate(reward)],
    "leave_one_out": per_group(lambda r, i, _: r[i] - mean(r[:i] + r[i + 1:])),
    "group_mean": per_group(lambda r, i, _: r[i] - mean(r)),
    "group_norm_group": per_group(lambda r, i, _: (r[i] - mean(r)) / (std(r) + 1e-4)),
    "group_norm_batch": per_group(lambda r, i, _: (r[i] - mean(r)) / (std(reward) + 1e-4)),
    "optimal_length": per_group(optimal_length),
    "pass_at_k": pass_at_k(False),
    "pass_at_k_by_std": pass_at_k(True),
    "gdpo": gdpo(),
}

K = {"k1": lambda d: d, "k2": lambda d: d * d / 2, "k3": lambda d: math.exp(-d) + d - 1}


def token_rewards(kl_coef, estimator):
    out = [[0.0] * T for _ in range(B)]
    for i, n in enumerate(LENGTHS):
        for t in range(n):
            out[i][t] = -kl_coef * K[estimator](old[i][t] - ref[i][t])
        if n:
            out[i][n - 1] += reward[i]
    return out


def to_go(rewards, gamma):
    """sum over u >= t of gamma^(u - t) r_u, from the definition."""
    return [[sum(gamma ** (u - t) * rewards[i][u] for u in range(t, n)) if t < n else 0.0 for t in range(T)] for i, n in enumerate(LENGTHS)]


def whiten(x, unbiased):
    counted = [x[i][t] for i in range(B) for t in range(LENGTHS[i])]
    m = mean(counted)
    variance = sum((v - m) ** 2 for v in counted) / (len(counted) - (1 if unbiased else 0))
    return [[(x[i][t] - m) / math.sqrt(variance + 1e-8) if mask[i][t] else 0.0 for t in range(T)] for i in range(B)]


def gae(rewards, gamma, lam):
    """A_t = sum over u >= t of (gamma lambda)^(u - t) delta_u, from the definition."""
    out = [[0.0] * T for _ in range(B)]
    for i, n in enumerate(LENGTHS):
        delta = [rewards[i][t] + (gamma * values[i][t + 1] if t + 1 < n else 0.0) - values[i][t] for t in range(n)]
        for t in range(n):
            out[i][t] = sum((gamma * lam) ** (u - t) * delta[u] for u in range(t, n))
    return out


spread_rewards = [[advantages["group_mean"][i]] * T for i in range(B)]
returns = {
    "kl_coef": 0.05,
    "token_rewards": {k: token_rewards(0.05, k) for k in K},
    "discounted_k1": {str(g): to_go(token_rewards(0.05, "k1"), g) for g in (1.0, 0.95)},
    "reinforce_pp_k1": {f"{g}/{name}": whiten(to_go(token_rewards(0.05, "k1"), g), name == "unbiased")
                        for g in (1.0, 0.95) for name in ("unbiased", "biased")},
    "reinforce_pp_baseline": {name: whiten(spread_rewards, name == "unbiased") for name in ("unbiased", "biased")},
    "gae_k1": {"gamma": 0.99, "lambda": 0.95, "advantages": gae(token_rewards(0.05, "k1"), 0.99, 0.95)},
}

# Losses: tensors from here on.
M, OLD, REF, R = (torch.tensor(x) for x in (mask, old, ref, reward))
A = torch.tensor(advantages["group_norm_group"])
NORMALISER = 16.0
aggregate = {
    "token_mean": lambda x: (x * M).sum() / M.sum(),
    "sequence_mean_token_mean": lambda x: ((x * M).sum(1) / M.sum(1).clamp(min=1)).mean(),
    "sequence_mean_token_sum": lambda x: (x * M).sum(1).mean(),
    "fixed_normaliser": lambda x: (x * M).sum() / (B * NORMALISER),
}
losses = {}


def add(name, loss):
    x = torch.tensor(new, requires_grad=True)
    value = loss(x)
    value.backward()
    losses[name] = {"loss": value.item(), "grad": (x.grad * M).tolist()}


def clip_objective(rho, a, low=0.2, high=0.2, dual=None, delta=None):
    """What is maximised, as the papers write it."""
    bounded = rho if delta is None else torch.minimum(rho, torch.full_like(rho, delta))
    objective = torch.min(bounded * a, torch.clamp(rho, 1 - low, 1 + high) * a)
    return objective if dual is None else torch.where(a < 0, torch.max(objective, dual * a), objective)


A_rows = A[:, None].expand(B, T)
TOKEN_A = torch.tensor(token_advantage)
for how in aggregate:
    add(f"reinforce/{how}", lambda x: aggregate[how](-A_rows * x))
    add(f"ppo_0.2/{how}", lambda x: aggregate[how](-clip_objective(torch.exp(x - OLD), A_rows)))
for how in ("token_mean", "sequence_mean_token_mean"):
    add(f"ppo_0.2_0.28/{how}", lambda x: aggregate[how](-clip_objective(torch.exp(x - OLD), A_rows, 0.2, 0.28)))
    add(f"ppo_dual_1.5/{how}", lambda x: aggregate[how](-clip_objective(torch.exp(x - OLD), A_rows, dual=1.5)))
    add(f"ppo_max_ratio_1.4/{how}", lambda x: aggregate[how](-clip_objective(torch.exp(x - OLD), A_rows, delta=1.4)))
    add(f"cispo_5/{how}", lambda x: aggregate[how](-torch.exp(x - OLD).clamp(max=5.0).detach() * A_rows * x))
    add(f"cispo_1.2/{how}", lambda x: aggregate[how](-torch.exp(x - OLD).clamp(max=1.2).detach() * A_rows * x))


def sequence_ratio(x):
    return torch.exp(((x - OLD) * M).sum(1) / M.sum(1).clamp(min=1))[:, None]


def gspo_token_ratio(x):
    return sequence_ratio(x).detach() * torch.exp(x) / torch.exp(x).detach()


for how in ("token_mean", "sequence_mean_token_mean"):
    add(f"gspo_0.05_0.1/{how}", lambda x: aggregate[how](-clip_objective(sequence_ratio(x).expand(B, T), A_rows, 0.05, 0.1)))
    add(f"gspo_token_0.05_0.1/{how}", lambda x: aggregate[how](-clip_objective(gspo_token_ratio(x), TOKEN_A, 0.05, 0.1)))
add("sequence_ratio_0.2", lambda x: -clip_objective(torch.exp((x * M).sum(1) - (OLD * M).sum(1)), A).mean())

THRESHOLDS = [-0.1, 0.1, 0.3]
off_policy = {str(limit): [1.0 if a >= 0 or (sum(o - x for o, x in list(zip(old[i], new[i]))[:n]) / max(n, 1)) <= limit else 0.0
                           for i, (n, a) in enumerate(zip(LENGTHS, A.tolist()))] for limit in THRESHOLDS}
keep = torch.tensor(off_policy["0.1"])[:, None]


def k3(x):
    return torch.exp(REF - x) - (REF - x) - 1


add("ppo_0.2_masked_0.1_plus_0.04_k3/sequence_mean_token_mean",
    lambda x: aggregate["sequence_mean_token_mean"](-clip_objective(torch.exp(x - OLD), A_rows) * keep + 0.04 * k3(x)))
for name, estimator in (("k1", lambda x: x - REF), ("k2", lambda x: (x - REF) ** 2 / 2), ("k3", k3)):
    add(f"kl_{name}/token_mean", lambda x: aggregate["token_mean"](estimator(x)))
kl = {name: {"tokens": [[f(new[i][t] - ref[i][t]) * mask[i][t] for t in range(T)] for i in range(B)],
             "sequence_sum": [sum(f(new[i][t] - ref[i][t]) for t in range(n)) for i, n in enumerate(LENGTHS)]} for name, f in K.items()}


def minimum_risk(alpha):
    s = torch.tensor([sum(new[i][:n]) for i, n in enumerate(LENGTHS)], requires_grad=True)
    risk = 0.0
    for group in groups:
        p = [torch.exp(s[i]) ** alpha for i in group]
        risk = risk + sum(p[k] / sum(p) * (1 - R[i]) for k, i in enumerate(group))  # the paper's cost: 1 - metric
    risk = risk / len(groups)
    risk.backward()
    q = []
    for group in groups:
        p = [math.exp(s[i].item()) ** alpha for i in group]
        q += [x / sum(p) for x in p]
    expected = [sum(q[j] * reward[j] for j in group) for group in groups]
    return {"alpha": alpha, "sequence_log_probs": s.tolist(), "loss": risk.item(), "grad": s.grad.tolist(),
            "advantages": [G * alpha * q[i] * (reward[i] - expected[i // G]) for i in range(B)]}


v = torch.tensor(values, requires_grad=True)
target = torch.tensor(old_values) + torch.tensor(gae(token_rewards(0.05, "k1"), 1.0, 0.95))
old_v = torch.tensor(old_values)
moved = torch.min(torch.max(v, old_v - 0.2), old_v + 0.2)
value_loss = (0.5 * torch.max((v - target) ** 2, (moved - target) ** 2) * M).sum() / M.sum()
value_loss.backward()
value = {"clip_range": 0.2, "returns": target.tolist(), "loss": value_loss.item(), "grad": (v.grad * M).tolist()}


def statistics(log_ratios, advantage, low, high):
    """Lists of the counted entries."""
    rho = [math.exp(d) for d in log_ratios]
    n = len(rho)
    return {"low": sum(r < 1 - low and a < 0 for r, a in zip(rho, advantage)) / n, "high": sum(r > 1 + high and a > 0 for r, a in zip(rho, advantage)) / n,
            "ratio": mean(rho), "max_ratio": max(rho), "k1": mean([-d for d in log_ratios]), "k3": mean([math.exp(d) - 1 - d for d in log_ratios])}


counted = [(i, t) for i in range(B) for t in range(LENGTHS[i])]
row_ratio = [sum(new[i][t] - old[i][t] for t in range(n)) / max(n, 1) for i, n in enumerate(LENGTHS)]
ratio_statistics = {"token_0.2_0.28": statistics([new[i][t] - old[i][t] for i, t in counted], [A[i].item() for i, _ in counted], 0.2, 0.28),
                    "sequence_0.05_0.1": statistics(row_ratio, A.tolist(), 0.05, 0.1)}


def overlong(length, longest, buffer):
    if length <= longest - buffer:
        return 0.0
    return ((longest - buffer) - length) / buffer if length <= longest else -1.0


overlong_lengths = [0, 5, 12, 13, 14, 15, 16, 17, 100]
controllers = {"kl": {"coef": 0.2, "target": 6.0, "horizon": 10000, "n": 64, "trace": []},
               "entropy": {"coef": 0.0, "target": 0.2, "delta": 0.005, "max": 0.012, "trace": []}}
coef = 0.2
for observed in (1.0, 8.0, 6.0, 5.5, 30.0, 0.0):
    coef *= 1 + max(-0.2, min(0.2, observed / 6.0 - 1)) * 64 / 10000
    controllers["kl"]["trace"].append([observed, coef])
coef = 0.0
for observed in (0.1, 0.1, 0.2, 0.1, 0.5, 0.3, 0.3, 0.3, 0.1):
    used = coef if observed <= 0.2 else 0.0
    coef = min(coef + 0.005, 0.012) if observed <= 0.2 else max(coef - 0.005, 0.0)
    controllers["entropy"]["trace"].append([observed, used, coef])

output = {
    "torch": torch.__version__,
    "inputs": {"mask": mask, "lengths": LENGTHS, "group_size": G, "log_prob": new, "old_log_prob": old, "ref_log_prob": ref, "reward": reward, "greedy": greedy,
               "parts": parts, "part_weights": part_weights, "values": values, "old_values": old_values, "token_advantage": token_advantage,
               "normaliser": NORMALISER, "advantage_in_losses": "group_norm_group; gspo_token: token_advantage"},
    "advantages": advantages, "returns": returns, "losses": losses, "off_policy_mask": off_policy, "kl": kl,
    "minimum_risk": [minimum_risk(alpha) for alpha in (0.005, 0.5, 1.0)], "value_loss": value, "ratio_statistics": ratio_statistics,
    "overlong": {"lengths": overlong_lengths, "16/4": [overlong(n, 16, 4) for n in overlong_lengths], "16/16": [overlong(n, 16, 16) for n in overlong_lengths],
                 "16/0": [-1.0 if n > 16 else 0.0 for n in overlong_lengths]},
    "informative_groups": [max(r) > min(r) for r in ([reward[j] for j in group] for group in groups)],
    "controllers": controllers,
}
with open(arguments.out, "w", encoding="utf-8") as file:
    json.dump(output, file, separators=(",", ":"))
print(len(losses), "losses,", len(advantages), "advantages")

#!/usr/bin/env bash
# Runs recipes with several seeds and prints what their headers report: every part of the held-out evaluation, before -> after the policy
# gradient (after the last step), and the first three held-out records with the last seed's greedy completions.
# Runs are kept in runs/recipes and resumed when cut.   usage: scripts/recipes.sh [SEEDS=3] [RECIPE.yaml... = all] [--set a.b=c]...
set -euo pipefail
cd "$(dirname "$0")/.."
seeds=${1:-3}
shift $(($# < 1 ? $# : 1))
recipes=()
while (($#)) && [[ $1 != --* ]]; do recipes+=("$1") && shift; done
((${#recipes[@]})) || recipes=(configs/recipes/*.yaml configs/story_endings.yaml configs/article_gru.yaml)
pgtrain=${PGTRAIN:-build/release/app/pgtrain}

corpus_scores() { # checkpoint, folder for its texts -> BLEU and chrF of all greedy completions together
  "$pgtrain" eval --checkpoint "$1" --which latest --output "$2/held_out.jsonl" >"$2/held_out.txt"
  for field in completion target; do
    python3 -c 'import json, sys; [print(" ".join(json.loads(line)[sys.argv[1]].split())) for line in sys.stdin]' $field <"$2/held_out.jsonl" >"$2/$field.txt"
  done
  "$pgtrain" score --hypotheses "$2/completion.txt" --references "$2/target.txt" --metric bleu chrf
}
for recipe in "${recipes[@]}"; do
  name=$(basename "$recipe" .yaml)
  for seed in $(seq "$seeds"); do
    folder=runs/recipes/$name-$seed
    "$pgtrain" --log-level warn train --config "$recipe" --set run.seed="$seed" --set run.directory="$folder" "$@"
    if [[ $name == translation ]]; then
      echo "seed $seed, all held-out texts together, before:" $(corpus_scores "$folder/checkpoints/step-000000" "$folder") "after:" $(corpus_scores "$folder" "$folder")
    fi
  done
  python3 - "$name" "$seeds" <<'PYTHON'
import json, statistics, sys
name, seeds = sys.argv[1], int(sys.argv[2])
rows = []
for seed in range(1, seeds + 1):
    evaluations = [row for row in map(json.loads, open(f"runs/recipes/{name}-{seed}/metrics.jsonl")) if row["phase"] == "eval"]
    rows.append((evaluations[0], evaluations[-1]))
keys = [key for key in rows[0][0] if key == "eval_reward" or key.startswith("eval_rewards/") and key.endswith("/mean") or "/by/" in key and "program" not in key]
print(f"\n{name} | " + " | ".join(key.replace("eval_reward/by/", "").replace("eval_rewards/", "").replace("/mean", "") for key in keys))
for seed, (before, after) in enumerate(rows, 1):
    print(f"seed {seed} | " + " | ".join("%.3f -> %.3f" % (before[key], after[key]) for key in keys))
print("mean | " + " | ".join("%.3f -> %.3f" % tuple(statistics.mean(row[i][key] for row in rows) for i in (0, 1)) for key in keys))
PYTHON
  "$pgtrain" eval --checkpoint "$folder" --which latest --output "$folder/held_out.jsonl" >"$folder/held_out.txt"
  head -3 "$folder/held_out.jsonl" | python3 -c 'import json, sys; [print("{prompt} -> {completion} (target: {target})".format(**json.loads(line))) for line in sys.stdin]'
done

#!/usr/bin/env bash
# Does the policy gradient do the learning? Runs an experiment with several seeds, each beside a control run whose advantages are multiplied
# by 0, and prints the greedy evaluation reward before and after. Runs are kept in runs/learning_check and resumed when cut.
# usage: scripts/learning_check.sh [SEEDS=3] [CONFIG=configs/quickstart.yaml] [extra train options]
set -euo pipefail
cd "$(dirname "$0")/.."
seeds=${1:-3}
config=${2:-configs/quickstart.yaml}
shift $(($# < 2 ? $# : 2))
pgtrain=${PGTRAIN:-build/release/app/pgtrain}
name=$(basename "$config" .yaml)

run() { # seed kind [options]
  local folder=runs/learning_check/$name-$2-$1
  "$pgtrain" --log-level warn train --config "$config" --set run.seed="$1" --set run.directory="$folder" "${@:3}"
}
for seed in $(seq "$seeds"); do
  run "$seed" learns --set run.threads=1 "$@" &
  run "$seed" control --set run.threads=1 --set algorithm.advantage_scale=0 --set algorithm.entropy_coef=0 "$@" &

  wait
done
python3 - "$seeds" "runs/learning_check/$name" <<'PYTHON'
import json, statistics, sys
seeds, prefix = int(sys.argv[1]), sys.argv[2]
print("| seed | before | after | best | control after |\n|---|---|---|---|---|")
table = []
for seed in range(1, seeds + 1):
    def scores(kind):
        rows = [json.loads(line) for line in open(f"{prefix}-{kind}-{seed}/metrics.jsonl")]
        return [row["eval_reward"] for row in rows if row["phase"] == "eval"]
    learns, control = scores("learns"), scores("control")
    table.append((learns[0], learns[-1], max(learns), control[-1]))
    print("| %d | %.4f | %.4f | %.4f | %.4f |" % (seed, *table[-1]))
print("| mean | %.4f | %.4f | %.4f | %.4f |" % tuple(statistics.mean(column) for column in zip(*table)))
PYTHON

#!/usr/bin/env bash
# Kills a sweep twice in the middle, SIGKILL to the whole process group, starts it again, and compares what it ends with with an undisturbed
# sweep: the table, and of each run the rows and the final checkpoint, byte by byte. First every run to its end, then successive halving.
# usage: scripts/sweep_kill_check.sh [SEEDS=3]      four settings for each seed: 12 runs; PGTRAIN: the binary (default build/release/app/pgtrain)
# Exit code 1 on any difference.
set -euo pipefail
PGTRAIN=$(type -P -- "${PGTRAIN:-$(dirname "$0")/../build/release/app/pgtrain}") || { echo "sweep_kill_check: no pgtrain; set PGTRAIN" >&2; exit 2; }
PGTRAIN=$(realpath "$PGTRAIN")
export PGTRAIN
cd "$(dirname "$0")/.."

seeds=${1:-3}
runs=$((4 * seeds))
steps=24
folder=$(mktemp -d)
group=
clean() {
  [[ -z $group ]] || kill -KILL -- "-$group" 2>/dev/null || true
  rm -rf "$folder"
}
trap clean EXIT
trap 'exit 130' INT TERM

# sweep NAME [flags]: the command under test, as the leader of a process group; replaces the shell that calls it.
sweep() {
  local name=$1
  shift
  exec setsid scripts/sweep.sh --config configs/quickstart.yaml --directory "$folder/$name/a sweep" --jobs 2 \
    --grid optimizer.learning_rate=1e-3,4e-3 --grid algorithm.preset=rloo,grpo --seeds "1..$seeds" \
    --set model.hidden_size=64 --set model.embedding_size=32 --set warmup.steps=10 --set warmup.batch_size=16 \
    --set rollout.prompts_per_step=4 --set rollout.samples_per_prompt=4 --set train.steps=$steps --set eval.max_records=16 \
    --set eval.every=4 --set checkpoint.every=5 "$@"
}

# rows NAME: policy-gradient steps that its runs have made.
rows() { cat "$folder/$1/a sweep"/*/metrics.jsonl 2>/dev/null | grep -c '^{"phase":"train"' || true; }

# kill_at NAME ROWS [flags]: starts the sweep and kills all of it once its runs have made that many steps.
kill_at() {
  local name=$1 target=$2 before
  shift 2
  before=$(rows "$name")
  sweep "$name" "$@" >"$folder/$name.table" 2>"$folder/$name.log" &
  group=$!
  while [[ $(rows "$name") -lt $target ]]; do
    kill -0 "$group" 2>/dev/null || { echo "sweep_kill_check: the sweep ended before the kill" >&2; cat "$folder/$name.log" >&2; exit 1; }
    sleep 0.02
  done
  kill -KILL -- "-$group"
  wait "$group" 2>/dev/null || true
  while pgrep --pgroup "$group" >/dev/null; do sleep 0.02; done
  group=
  echo "killed at $(rows "$name") steps of all runs (had $before when it started); $(cat "$folder/$name/a sweep"/*/exit_code 2>/dev/null | wc -l) of $runs runs had ended"
}

# finish NAME [flags]
finish() {
  local name=$1
  shift
  (sweep "$name" "$@") >"$folder/$name.table" 2>"$folder/$name.log" || { cat "$folder/$name.log" >&2; exit 1; }
}

differences=0
# same FILE FILE
same() {
  cmp "$1" "$2" || differences=$((differences + 1))
}

# check NAME [flags]
check() {
  local name=$1 run file total
  shift
  echo "== $name: $runs runs ${*:+($*)}"
  finish "$name-whole" "$@"
  total=$(rows "$name-whole")
  kill_at "$name-killed" $((total / 3)) "$@"
  kill_at "$name-killed" $((total * 2 / 3)) "$@"
  finish "$name-killed" "$@"
  cat "$folder/$name-killed.table"
  same "$folder/$name-whole.table" "$folder/$name-killed.table"
  for run in "$folder/$name-whole/a sweep"/*/; do
    run=$(basename "$run")
    for file in metrics.jsonl completions.jsonl checkpoints/latest/{model.safetensors,optimizer.safetensors,state.json}; do
      same "$folder/$name-whole/a sweep/$run/$file" "$folder/$name-killed/a sweep/$run/$file"
    done
  done
}

check full
check halving --halving 4
echo
if [[ $differences -eq 0 ]]; then
  echo "both tables and all $runs runs of each sweep are equal to the undisturbed ones, byte for byte"
else
  echo "$differences files differ"
  exit 1
fi

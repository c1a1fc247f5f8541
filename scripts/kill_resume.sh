#!/usr/bin/env bash
# Kills a run with SIGKILL at random moments, lets it go on, and compares what it leaves with an uninterrupted run, byte by byte:
# weights, optimiser state, frozen and averaged policies, run state, metrics.jsonl, completions.jsonl. Then the same with run.threads=1 against 2.
# usage: scripts/kill_resume.sh [KILLS=20] [CONFIG=configs/quickstart.yaml] [--set KEY=VALUE]...
#   PGTRAIN    the binary (default build/release/app/pgtrain)
#   SEED       of the random moments (default 1)
# Each of the KILLS rounds is a run of its own with one kill, at a moment drawn evenly from the reference run's duration (start, warm-up
# and checkpoint writing included), resumed to the end. One more run takes up to ten kills, one after the other.
# The --set options that make it short come first, so yours override them. Exit code 1 on any difference.
set -euo pipefail
cd "$(dirname "$0")/.."

kills=20
config=configs/quickstart.yaml
if [[ ${1:-} =~ ^[0-9]+$ ]]; then kills=$1; shift; fi
if [[ $# -gt 0 && $1 != --* ]]; then config=$1; shift; fi
extra=("$@")
pgtrain=$(realpath "${PGTRAIN:-build/release/app/pgtrain}")
settings=(--set model.hidden_size=64 --set model.embedding_size=32 --set warmup.steps=30 --set warmup.batch_size=16
          --set rollout.prompts_per_step=8 --set rollout.samples_per_prompt=4 --set train.steps=30 --set eval.max_records=16
          --set eval.every=10 --set checkpoint.every=3 --set run.threads=2)
RANDOM=${SEED:-1}

folder=$(mktemp -d)
child=
clean() {
  [[ -z $child ]] || kill -KILL "$child" 2>/dev/null || true
  rm -rf "$folder"
}
trap clean EXIT
trap 'exit 130' INT TERM

now_ms() { local t=${EPOCHREALTIME/[^0-9]/}; echo $((t / 1000)); }

# start RUN [--set ...]: trains in the background; the process is $child.
start() {
  local run=$1
  shift
  "$pgtrain" --log-level warn train --config "$config" "${settings[@]}" "${extra[@]}" --set run.name=kill_resume \
    --set run.directory="$folder/$run" "$@" 2>>"$folder/$run.log" &
  child=$!
}

# finish: waits for $child; its exit code.
finish() {
  local code=0
  wait "$child" 2>/dev/null || code=$?
  child=
  return "$code"
}

# train RUN [--set ...]: to the end, or the script fails.
train() {
  start "$@"
  finish || { echo "kill_resume: the run $1 failed:" >&2; tail -n 5 "$folder/$1.log" >&2; exit 1; }
}

# kill_after RUN MS: starts, kills after MS milliseconds; fails when the run had ended before.
kill_after() {
  start "$1"
  sleep "$(printf '%d.%03d' $(($2 / 1000)) $(($2 % 1000)))"
  kill -KILL "$child" 2>/dev/null || true
  local code=0
  finish || code=$?
  [[ $code -eq 137 ]]
}

# where RUN: the state that a run was left in.
where() {
  local latest temporary
  latest=$(readlink "$folder/$1/checkpoints/latest" 2>/dev/null) || latest="no checkpoint"
  temporary=$(find "$folder/$1/checkpoints" -maxdepth 1 -name '*.tmp*' -printf . 2>/dev/null) || true
  echo "$latest${temporary:+, writing}"
}

# differences RUN: the names of the files that differ from the reference.
differences() {
  local name result=
  # Every file of the last checkpoint but those that hold the run's own folder and threads.
  for name in metrics.jsonl completions.jsonl $(cd "$folder/reference" && ls -d checkpoints/latest/* start.safetensors 2>/dev/null); do
    [[ $name == */experiment.yaml || $name == */manifest.json ]] && continue
    cmp -s "$folder/reference/$name" "$folder/$1/$name" || result+="$name "
  done
  for name in latest best; do
    [[ $(readlink "$folder/reference/checkpoints/$name") == "$(readlink "$folder/$1/checkpoints/$name")" ]] || result+="$name "
  done
  echo "$result"
}

equal=0
rounds=0
# judge NAME MOMENT LEFT: one line of the table.
judge() {
  local result
  result=$(differences "$1")
  rounds=$((rounds + 1))
  if [[ -z $result ]]; then
    equal=$((equal + 1))
    rm -rf "${folder:?}/$1"
  fi
  printf '%-12s %10s  %-28s %s\n' "$1" "$2" "$3" "${result:+DIFFERS: }${result:-equal}"
}

begin=$(now_ms)
train reference
duration=$(($(now_ms) - begin))
printf 'reference: %s, %d ms, %s\n\n' "$config" "$duration" "$(where reference)"
printf '%-12s %10s  %-28s %s\n' run 'killed at' 'left at' 'after resuming'

ended_before=0
for ((round = 1; round <= kills; ++round)); do
  run=kill-$round
  moment=$(((RANDOM * 32768 + RANDOM) % duration))
  # A moment after the end is no kill: try an earlier one.
  until kill_after "$run" "$moment"; do
    ended_before=$((ended_before + 1))
    rm -rf "${folder:?}/$run"
    moment=$((moment * 9 / 10))
  done
  left=$(where "$run")
  train "$run"
  judge "$run" "$moment ms" "$left"
done

count=0
for ((i = 0; i < 10; ++i)); do
  if kill_after many $((duration / 4 + RANDOM * duration / 4 / 32768)); then count=$((count + 1)); fi
done
left=$(where many)
train many
judge many "$count kills" "$left"
train threads-1 --set run.threads=1
judge threads-1 - -
train threads-3 --set run.threads=3
judge threads-3 - -

printf '\n%d of %d runs are equal to the uninterrupted one, byte for byte' "$equal" "$rounds"
[[ $ended_before -eq 0 ]] && echo || echo " ($ended_before kills came too late and were tried again)"
[[ $equal -eq $rounds ]]

#!/usr/bin/env bash
# Trains every run of a sweep, some side by side, and prints the table of `pgtrain compare`. Kill it whenever you like, also with
# SIGKILL, and start the same command again: what is done is left alone, what was cut goes on, and the table is the same to the byte.
# usage: scripts/sweep.sh --config FILE --directory DIR [flags of `pgtrain sweep`]... [--jobs N] [--halving STEP [--eta N]] [--dry-run]
#   --grid --random --sample --sample-seed --seeds --set: see `pgtrain sweep --help`
#   --jobs N        runs side by side (default: one for each core); each gets cores / N threads, at least one
#   --halving STEP  successive halving: train all runs to STEP steps and keep the best 1/eta by their evaluation reward (training reward
#                   without data.eval; equal ones by id), train these to STEP * eta steps, and so on; with data.eval, STEP is a
#                   multiple of eval.every
#   --eta N         default 2
#   --dry-run       print the plan and train nothing
#   PGTRAIN         the binary, a path or a name on PATH (default build/release/app/pgtrain, else pgtrain on PATH)
# Leaves DIR/plan.tsv (id, arguments of `pgtrain train`; also for scripts/slurm_array.sh) and a run folder for each id, in it besides the
# run's own files: requested.yaml, result.json (last line of `train --json`), stderr.log, exit_code. Other flags and the same DIR extend the
# sweep. Runs that fail are listed at the end and tried again by the next call.
# Exit code 0 when all runs are done or stopped by halving, 1 when some failed or cannot be compared, 2 usage, 75 or 130 when
# stopped by SIGTERM or Ctrl-C (runs in work have saved then).
set -euo pipefail

usage() { sed -n '2,/^set -/{/^set -/d;s/^# \{0,1\}//;p}' "$0"; }
die() { echo "sweep: $*" >&2; exit 2; }
say() { echo "sweep: $*" >&2; }

if [[ -n ${PGTRAIN-} ]]; then
  pgtrain=$(type -P -- "$PGTRAIN") || die "PGTRAIN=$PGTRAIN: no such program"
else
  pgtrain=$(type -P "$(dirname "$0")/../build/release/app/pgtrain" || type -P pgtrain) || die "no pgtrain: build it, or set PGTRAIN"
fi
cores=$(nproc)

# ---- flags ----

directory=
jobs=$cores
rung=
eta=2
dry_run=false
plan_flags=()
is_count() { [[ $1 =~ ^[1-9][0-9]{0,8}$ ]]; }
# Words that are not this script's go to `pgtrain sweep` as they are, which knows how many values belong to a flag.
while [[ $# -gt 0 ]]; do
  case $1 in
    --jobs=* | --halving=* | --eta=* | --directory=*) set -- "${1%%=*}" "${1#*=}" "${@:2}" ;;
    -d?*) set -- -d "${1#-d}" "${@:2}" ;;
    --jobs | --halving | --eta | --directory | -d)
      [[ $# -ge 2 && $2 != -* ]] || die "$1 needs a value (scripts/sweep.sh --help)"
      ;;
    -h | --help) usage; exit 0 ;;
    --dry-run) dry_run=true; shift; continue ;;
    *) plan_flags+=("$1"); shift; continue ;;
  esac
  value=$2
  case $1 in
    --jobs) is_count "$value" || die "--jobs $value: a number from 1 on"; jobs=$value ;;
    --halving) is_count "$value" || die "--halving $value: the step of the first rung, from 1 on"; rung=$value ;;
    --eta)
      if ! is_count "$value" || [[ $value -lt 2 ]]; then die "--eta $value: a number from 2 on"; fi
      eta=$value
      ;;
    -d | --directory) directory=$value; plan_flags+=(--directory "$value") ;;
  esac
  shift 2
done
[[ -n $directory ]] || die "--directory is required (scripts/sweep.sh --help)"
threads=$((cores / jobs > 0 ? cores / jobs : 1))

# ---- the plan ----

# split ID: its arguments in $train_arguments.
split() { IFS=$'\t' read -r -a train_arguments <<<"${arguments[$1]}"; }

plan=$("$pgtrain" sweep "${plan_flags[@]}") || exit 2
ids=()
declare -A arguments=()  # id -> arguments of `pgtrain train`, a tab between them
while IFS=$'\t' read -r id rest; do
  ids+=("$id")
  arguments[$id]=$rest
done <<<"$plan"
say "${#ids[@]} runs in $directory, $jobs at a time, threads for each: $threads"
if $dry_run; then
  echo "$plan"
  exit 0
fi

# setting SECTION KEY: the value in a printed configuration on standard input.
setting() { sed -n "/^$1:/,/^[a-z]/s/^  $2: //p"; }

# check_rung ID: at a rung that is no multiple of eval.every, an older policy would be ranked, below it the one that the run starts with.
check_rung() {
  local every
  every=$(setting eval every <<<"${asked[$1]}")
  [[ $(setting data eval <<<"${asked[$1]}") == '""' || $every -eq 0 || $((rung % every)) -eq 0 ]] ||
    die "--halving $rung: must be a multiple of eval.every, which is $every in $1"
}

declare -A asked=()  # id -> its whole configuration
for id in "${ids[@]}"; do
  split "$id"
  asked[$id]=$("$pgtrain" config show "${train_arguments[@]}")
  [[ -z $rung ]] || check_rung "$id"
done

mkdir -p "$directory"
# Held by this process and by the runs it starts, so that a sweep whose script alone was killed is not started a second time.
exec {lock}>"$directory/lock"
flock --nonblock "$lock" || die "$directory: another sweep, or a run that it left, works here"
echo "$plan" >"$directory/plan.tsv.tmp"
mv "$directory/plan.tsv.tmp" "$directory/plan.tsv"

# ---- one run ----

# put FILE: standard input becomes the file, whole or not at all.
put() { cat >"$1.tmp" && mv "$1.tmp" "$1"; }

# prepare ID: results of another experiment (the configuration file was changed) do not count.
prepare() {
  local folder=$directory/$1
  mkdir -p "$folder"
  if ! echo "${asked[$1]}" | cmp -s - "$folder/requested.yaml"; then
    rm -f "$folder/result.json" "$folder/exit_code"
    echo "${asked[$1]}" | put "$folder/requested.yaml"
  fi
}

# result ID KEY: a value of its last JSON line; nothing without one.
result() { sed -n "s/.*\"$2\":\"\{0,1\}\([^,\"}]*\).*/\1/p" "$directory/$1/result.json" 2>/dev/null || true; }

# has_reached ID STEP: its last process has ended well, at that step or later, or at the end of the run. STEP may be empty: the end.
has_reached() {
  local step
  has_ended_well "$1" || return 1
  [[ $(result "$1" status) != 'done' ]] || return 0
  step=$(result "$1" step)
  [[ -n $2 && -n $step && $step -ge $2 ]]
}

# exit_code is written last: a run without it was cut, one with another number failed, and both are started again.
has_ended_well() { [[ -f $directory/$1/exit_code && $(<"$directory/$1/exit_code") == 0 ]]; }
has_failed() { [[ -f $directory/$1/exit_code && $(<"$directory/$1/exit_code") != 0 ]]; }

declare -A running=()  # process -> id
stopped_by=

# start ID STEP
start() {
  local folder=$directory/$1
  split "$1"
  rm -f "$folder/exit_code"
  "$pgtrain" train "${train_arguments[@]}" --set run.threads="$threads" --json ${2:+--until "$2"} \
    >"$folder/result.json.tmp" 2>"$folder/stderr.log" &
  running[$!]=$1
  # A signal that came before this line has stopped the others only.
  [[ -z $stopped_by ]] || kill -TERM "$!" 2>/dev/null || true
}

# finish ID CODE
finish() {
  local folder=$directory/$1
  if [[ $2 -eq 0 ]]; then
    mv "$folder/result.json.tmp" "$folder/result.json"
    say "$1: $(result "$1" status) at step $(result "$1" step), eval_reward $(result "$1" eval_reward)"
  elif [[ -z $stopped_by ]]; then
    say "$1: failed: $(reason "$1" "$2")"
  fi
  # A run that was asked to stop is cut, not failed.
  [[ -n $stopped_by && $2 -ne 0 ]] || echo "$2" | put "$folder/exit_code"
}

# reason ID CODE: the first line on standard error that is no log message.
reason() {
  local line
  line=$(LC_ALL=C sed -e '/^[0-9:]\{8\} [a-z]*: /d' -e '/^[[:space:]]*$/d' "$directory/$1/stderr.log" | LC_ALL=C tr -d '\000-\011\013-\037\177' |
    head -n 1 | cut -c 1-300) || true
  if [[ -z $line && $2 -gt 128 ]]; then line="killed by signal $(kill -l "$2")"; fi
  echo "${line:-no message} (exit code $2, $directory/$1/stderr.log)"
}

# ---- all runs ----

# Waits until one run has ended, or a signal came.
reap() {
  local process code=0
  wait -n -p process || code=$?
  if [[ -n ${process-} ]]; then
    finish "${running[$process]}" "$code"
    unset "running[$process]"
  elif [[ $code -eq 127 ]]; then  # none is left to wait for: they ended while a signal was handled
    for process in "${!running[@]}"; do
      code=0
      wait "$process" || code=$?
      finish "${running[$process]}" "$code"
    done
    running=()
  fi
}

# A terminal sends Ctrl-C to the runs, too; SIGTERM on top of it does no harm, a second SIGINT would end them unsaved.
stop() {
  stopped_by=$1
  [[ ${#running[@]} -eq 0 ]] || kill -TERM "${!running[@]}" 2>/dev/null || true
}
trap 'stop 130' INT
trap 'stop 75' TERM HUP

# train_to STEP ID...: trains the runs that have not reached the step (empty: the end).
train_to() {
  local step=$1 id
  shift
  for id in "$@"; do
    has_reached "$id" "$step" && continue
    while [[ ${#running[@]} -ge $jobs && -z $stopped_by ]]; do reap; done
    [[ -z $stopped_by ]] || break
    start "$id" "$step"
  done
  while [[ ${#running[@]} -gt 0 ]]; do reap; done
  if [[ -n $stopped_by ]]; then
    say "stopped; the same command goes on"
    exit "$stopped_by"
  fi
}

# value_at ID STEP: the last evaluation reward up to that step, else the training reward; -inf when it was not finite. The rows up to a step
# are the same whenever they are read.
value_at() {
  awk -v limit="$2" '
    match($0, /^\{"phase":"(eval|train)","step":[0-9]+,/) {
      step = substr($0, 1, RLENGTH - 1); sub(/.*:/, "", step)
      if (step + 0 > limit + 0) next
      if (match($0, /"eval_reward":[^,}]*/)) { evaluation = substr($0, RSTART + 14, RLENGTH - 14) }
      else if (match($0, /"reward":[^,}]*/)) { training = substr($0, RSTART + 9, RLENGTH - 9) }
    }
    END { value = evaluation != "" ? evaluation : training; print (value == "" || value == "null") ? "-inf" : value }' \
    "$directory/$1/metrics.jsonl"
}

halve() {
  local survivors=("${ids[@]}") left id kept
  while [[ ${#survivors[@]} -gt 1 ]]; do
    train_to "$rung" "${survivors[@]}"
    left=()
    local is_at_end=true
    for id in "${survivors[@]}"; do
      has_failed "$id" && continue
      left+=("$id")
      [[ $(result "$id" status) == 'done' ]] || is_at_end=false
    done
    if $is_at_end; then return; fi
    kept=$((${#left[@]} / eta > 0 ? ${#left[@]} / eta : 1))
    mapfile -t survivors < <(for id in "${left[@]}"; do echo "$(value_at "$id" "$rung") $id"; done |
      LC_ALL=C sort -k 1,1gr -k 2,2 | head -n "$kept" | cut -d ' ' -f 2)
    say "step $rung: ${#survivors[@]} of ${#left[@]} runs go on"
    rung=$((rung * eta))
  done
  train_to "" "${survivors[@]}"
}

for id in "${ids[@]}"; do prepare "$id"; done
if [[ -n $rung ]]; then halve; else train_to "" "${ids[@]}"; fi

# ---- what came out ----

failed=0
for id in "${ids[@]}"; do
  if has_failed "$id"; then
    failed=$((failed + 1))
    say "FAILED $id: $(reason "$id" "$(<"$directory/$id/exit_code")")"
  elif [[ $(result "$id" status) == paused ]]; then
    say "halved $id: stopped at step $(result "$id" step), $(value_at "$id" "$(result "$id" step)")"
  fi
done
code=0
if [[ $failed -lt ${#ids[@]} ]]; then "$pgtrain" compare "$directory" || code=1; fi
if [[ $failed -gt 0 ]]; then
  say "$failed of ${#ids[@]} runs failed; the same command tries them again"
  code=1
fi
[[ $code -eq 0 ]]

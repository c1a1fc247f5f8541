#!/usr/bin/env bash
#SBATCH --job-name=pgtrain
#SBATCH --cpus-per-task=2
#SBATCH --signal=B:TERM@120
#SBATCH --requeue
#SBATCH --open-mode=append
# One task of a Slurm array is one run of a sweep. Two minutes before the time limit (and when it is preempted) the run saves and is queued
# again; it goes on where it was, with the same bits.
# usage, in the folder that relative paths of the experiment start from:
#   mkdir -p runs/lr
#   pgtrain sweep --config base.yaml --directory runs/lr --grid optimizer.learning_rate=1e-4,1e-3 --seeds 1..4 > runs/lr/plan.tsv
#   sbatch --array=1-$(wc -l < runs/lr/plan.tsv)%4 --time=8:00:00 scripts/slurm_array.sh runs/lr/plan.tsv
#   pgtrain compare runs/lr
#   PGTRAIN   the binary (default: pgtrain on PATH)
# The plan lies in the sweep's folder; exit_code and stderr.log go into the run's folder beside it, as those of scripts/sweep.sh do.
set -euo pipefail

plan=${1:?usage: sbatch --array=1-N scripts/slurm_array.sh DIR/plan.tsv}
task=${SLURM_ARRAY_TASK_ID:?is for sbatch --array}
IFS=$'\t' read -r id rest < <(sed -n "${task}p" "$plan") || { echo "$plan: has no line $task" >&2; exit 2; }
IFS=$'\t' read -r -a train_arguments <<<"$rest"
folder=$(dirname "$plan")/$id
mkdir -p "$folder"
rm -f "$folder/exit_code"

"${PGTRAIN:-pgtrain}" train "${train_arguments[@]}" --set run.threads="${SLURM_CPUS_PER_TASK:-1}" --json 2> >(tee "$folder/stderr.log" >&2) &
child=$!
# The signal goes to this shell alone, and ends a wait early.
signalled=true
trap 'signalled=true; kill -TERM "$child" 2>/dev/null || true' TERM USR1
while $signalled; do
  signalled=false
  code=0
  wait "$child" || code=$?
done

if [[ $code -eq 75 ]]; then
  scontrol requeue "${SLURM_ARRAY_JOB_ID}_$task"
else
  echo "$code" >"$folder/exit_code"
fi
exit "$code"

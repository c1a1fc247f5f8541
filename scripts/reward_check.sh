#!/usr/bin/env bash
# Does each reward raise its own held-out value? One short run of number_words for each metric, on greedy completions of 500 held-out
# records, before and after the policy-gradient steps.
# usage: scripts/reward_check.sh [FOLDER] [STEPS]        runs go to FOLDER (runs/reward_check), two at a time
set -euo pipefail
cd "$(dirname "$0")/.."
folder=${1:-runs/reward_check}
steps=${2:-250}
pgtrain=${PGTRAIN:-build/release/app/pgtrain}
mkdir -p "$folder"

# A word that correct answers need, so that the penalty has something to take away.
printf '%s\n' '# listed for the check only' hundred > "$folder/words.txt"

names=(bleu chrf chrf++ ter_similarity rouge1 rouge2 rougeL wer_similarity cer_similarity edit_similarity indel_similarity
       osa_similarity damerau_similarity lcs_similarity jaro jaro_winkler token_f1 squad_exact_match exact_match prefix_similarity
       embedding_cosine distinct repetition overlong missing_eos blocklist format number command)

# The parts of one run; the part under test is named "tested". Penalties and formats stand beside the task's own reward, as users
# would have them.
parts_of() {
  local task='{metric: edit_similarity, name: task}'
  case $1 in
    bleu) echo '[{metric: bleu, tokenize: char, name: tested}]' ;;
    distinct | repetition) echo "[$task, {metric: $1, ngram_order: 1, name: tested}]" ;;
    overlong) echo "[$task, {metric: overlong, max_length: 24, buffer_length: 16, name: tested}]" ;;
    missing_eos) echo "[$task, {metric: missing_eos, name: tested}]" ;;
    blocklist) echo "[$task, {metric: blocklist, words_file: $folder/words.txt, name: tested}]" ;;
    format) echo "[$task, {metric: format, pattern: '[a-z -]*|[^a-z]{1,6}', name: tested}]" ;;
    number) echo '[{metric: number, tolerance: 0.25, name: tested}]' ;;
    command) echo '[{command: [python3, scripts/reward_command.py], name: tested}]' ;;
    *) echo "[{metric: $1, name: tested}]" ;;
  esac
}

run_one() {
  local metric=$1 folder=$2 steps=$3
  local more=()
  # "five thousand eight hundred" -> "en 5800": the other way round, so that the answer is a number.
  [[ $metric != number ]] || more=(--set data.prompt_field=target --set data.target_field=prompt)
  [[ $metric != missing_eos && $metric != overlong ]] || more=(--set warmup.steps=40)
  "$pgtrain" --log-level error train --config configs/presets/rloo.yaml --set "run.directory=$folder/$metric" --set run.threads=1 \
    --set algorithm.entropy_coef=0.0 --set optimizer.learning_rate=5.0e-4 \
    --set "train.steps=$steps" --set "eval.every=$steps" --set "checkpoint.every=$steps" --set checkpoint.keep_last=1 \
    --set "reward=$(parts_of "$metric")" "${more[@]}" || echo "$metric failed" >&2
}
export -f run_one parts_of
export pgtrain folder
printf '%s\n' "${names[@]}" | xargs -P 2 -I {} bash -c 'run_one "$1" "$2" "$3"' _ {} "$folder" "$steps"

python3 - "$folder" "${names[@]}" <<'PYTHON'
import json, sys
folder, names = sys.argv[1], sys.argv[2:]
print(f"| reward metric | held-out value before | after | |\n|---|---|---|---|")
worse = 0
for name in names:
    with open(f"{folder}/{name}/metrics.jsonl") as file:
        rows = [row for row in map(json.loads, file) if row["phase"] == "eval"]
    before, after = (row["eval_rewards/tested/mean"] for row in (rows[0], rows[-1]))
    worse += after <= before
    print(f"| `{name}` | {before:.4f} | {after:.4f} | {'raised' if after > before else 'NOT RAISED'} |")
sys.exit(1 if worse else 0)
PYTHON

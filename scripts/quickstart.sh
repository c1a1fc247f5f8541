#!/usr/bin/env bash
# From a bare Debian or Ubuntu machine to a trained model: installs packages, builds, trains on number_words, samples.
# Run it again at any time: it goes on where it stopped.
# usage: scripts/quickstart.sh
set -euo pipefail
cd "$(dirname "$0")/.."

echo "quickstart 1/4: packages"
scripts/setup.sh
echo "quickstart 2/4: build"
scripts/build.sh release -- pgtrain
pgtrain=build/release/app/pgtrain
"$pgtrain" doctor
echo "quickstart 3/4: train (configs/quickstart.yaml; a few minutes; stop with Ctrl-C, run again to go on)"
"$pgtrain" train --config configs/quickstart.yaml
echo "quickstart 4/4: sample"
for prompt in "en 42" "en 1066" "zh 42" "zh 1066"; do
  printf '%-8s -> %s\n' "$prompt" "$("$pgtrain" sample --checkpoint runs/quickstart --prompt "$prompt" --greedy)"
done
"$pgtrain" eval --checkpoint runs/quickstart

#!/usr/bin/env bash
# Source checks that need no test run: formatting, include order of the modules, clang-tidy.
# usage: scripts/check.sh [--tidy]        --tidy needs a configured build/release and takes several minutes
set -euo pipefail
cd "$(dirname "$0")/.."

mapfile -t sources < <(git ls-files '*.h' '*.cpp')
echo "check: format of ${#sources[@]} files"
clang-format --dry-run --Werror "${sources[@]}"
echo "check: module order"
scripts/check_layers.py
if [[ ${1:-} == --tidy ]]; then
  mapfile -t units < <(git ls-files 'lib/*.cpp' 'app/*.cpp' | grep -v '^lib/pch.cpp$')
  echo "check: clang-tidy of ${#units[@]} files"
  printf '%s\n' "${units[@]}" | xargs -P "$(nproc)" -n 4 clang-tidy -p build/release --quiet
fi
echo "check: ok"

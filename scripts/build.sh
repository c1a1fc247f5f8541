#!/usr/bin/env bash
# Configures and builds one preset.
# usage: scripts/build.sh PRESET [--libtorch PREFIX] [-- TARGET...]     PRESET: release, debug, asan or no-pch
# PREFIX: a LibTorch to use instead of the distribution's, for example the folder of the PyPI package "torch".
set -euo pipefail
cd "$(dirname "$0")/.."

preset=$1
shift
folder=build/$preset
options=()
if [[ ${1:-} == --libtorch ]]; then
  # Newer LibTorch demands C++20, which clang 14 does not manage on its headers: there g++ is used.
  folder+=-libtorch
  options=(-B "$folder" -DCMAKE_PREFIX_PATH="$2" -DCMAKE_CXX_COMPILER=g++)
  shift 2
elif command -v clang++ >/dev/null && [[ ! -f $folder/CMakeCache.txt ]]; then
  options=(-DCMAKE_CXX_COMPILER=clang++)
fi
[[ ${1:-} == -- ]] && shift

echo "build: configuring $folder"
cmake --preset "$preset" "${options[@]}" >"/tmp/pgtrain-configure.$$" || { cat "/tmp/pgtrain-configure.$$"; rm -f "/tmp/pgtrain-configure.$$"; exit 1; }
rm -f "/tmp/pgtrain-configure.$$"
targets=()
for target in "$@"; do targets+=(--target "$target"); done
echo "build: compiling"
cmake --build "$folder" "${targets[@]}"

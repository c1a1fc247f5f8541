#!/usr/bin/env bash
# Sets everything up, builds and runs all tests. Works on a bare Debian or Ubuntu machine, as root or with sudo.
# usage: scripts/test.sh [--libtorch PREFIX] [--sanitize]
#   --libtorch PREFIX  build against this LibTorch instead of the distribution's; PREFIX as for CMAKE_PREFIX_PATH
#   --sanitize         build and test under AddressSanitizer and UndefinedBehaviorSanitizer instead
set -euo pipefail
cd "$(dirname "$0")/.."

preset=release
build_options=()
setup_options=()
while [[ $# -gt 0 ]]; do
  case $1 in
    --libtorch) build_options=(--libtorch "$2"); setup_options=(--without-libtorch); shift 2 ;;
    --sanitize) preset=asan; shift ;;
    *) echo "usage: scripts/test.sh [--libtorch PREFIX] [--sanitize]" >&2; exit 2 ;;
  esac
done

scripts/setup.sh "${setup_options[@]}"
scripts/build.sh "$preset" "${build_options[@]}"
folder=build/$preset
[[ ${#build_options[@]} -eq 0 ]] || folder+=-libtorch
echo "test: running the tests of $folder"
ctest --test-dir "$folder" --output-on-failure

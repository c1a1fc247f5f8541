#!/usr/bin/env bash
# Installs a build into an empty prefix, uses the program from there, then builds and runs a program against the library.
# usage: tests/package/check.sh BUILD COMPILER
set -euo pipefail
source=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cmake --install "$1" --prefix "$work/usr" >"$work/install.log"
cd "$work"
"$work/usr/bin/pgtrain" init --directory first
test -s "$work/usr/share/man/man1/pgtrain.1"
test -s "$work/usr/share/bash-completion/completions/pgtrain"
cd first
"$work/usr/bin/pgtrain" validate --config starter.yaml --quick

cmake -S "$source" -B "$work/build" -DCMAKE_PREFIX_PATH="$work/usr" -DCMAKE_CXX_COMPILER="$2" -DCMAKE_BUILD_TYPE=Release >"$work/configure.log" 2>&1 ||
  { cat "$work/configure.log"; exit 1; }
cmake --build "$work/build"
"$work/build/example" starter.yaml "en 42" "forty-two"

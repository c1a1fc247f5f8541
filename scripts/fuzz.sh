#!/usr/bin/env bash
# Fuzzes one part of pgtrain under AddressSanitizer and UndefinedBehaviorSanitizer.
# usage: scripts/fuzz.sh [TARGET] [MINUTES] [MAX_BYTES] [LIBFUZZER OPTION...]      default metrics, 1 minute; a target is tests/fuzz/TARGET_fuzz.cpp:
#        metrics (the text metrics); gguf, safetensors, hf_folder, peft (model files); ...
#        long inputs from the start: scripts/fuzz.sh metrics 5 8192 -len_control=0
# The corpus, build/fuzz/corpus-TARGET, grows from run to run; scripts/fuzz_seeds.py makes its beginning. An input that breaks a law or crashes is
# left in build/fuzz; run "build/fuzz/tests/fuzz/TARGET_fuzz FILE" to see it again.
set -euo pipefail
cd "$(dirname "$0")/.."

target=metrics
if [[ $# -gt 0 && ! $1 =~ ^[0-9]+$ ]]; then
  target=$1
  shift
fi
minutes=${1:-1}
# No single allocation may be larger than what inputs of that length justify: of the metrics, chrF with n-grams of 32 characters takes the most;
# of the rest, twice the input and 4 MB that hold small things.
case $target in
  metrics) max_bytes=${2:-1024} limit_mb=$((4 + max_bytes / 256)) ;;
  gguf | safetensors | hf_folder | peft) max_bytes=${2:-65536} limit_mb=$((4 + 2 * max_bytes / 1048576)) ;;
  *) max_bytes=${2:-4096} limit_mb=$((4 + 2 * max_bytes / 1048576)) ;;
esac
folder=build/fuzz
corpus=$folder/corpus-$target
cmake -S . -B "$folder" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCMAKE_CXX_COMPILER=clang++ -DPGTRAIN_FUZZ=ON -DPGTRAIN_PCH=OFF >/dev/null
cmake --build "$folder" --target "${target}_fuzz"
if [[ ! -d $corpus ]]; then
  mkdir "$corpus"
  python3 scripts/fuzz_seeds.py "$target" "$corpus"
fi

"$folder/tests/fuzz/${target}_fuzz" -max_total_time=$((minutes * 60)) -max_len="$max_bytes" -malloc_limit_mb="$limit_mb" -timeout=20 -entropic=0 -print_final_stats=1 \
  -artifact_prefix="$folder/$target-" "${@:3}" "$corpus" 2>&1 | tee "$folder/$target.log" | grep -vE '(NEW|REDUCE|RELOAD)  '

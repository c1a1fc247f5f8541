#!/usr/bin/env bash
# Fuzzes the text metrics under AddressSanitizer and UndefinedBehaviorSanitizer (tests/fuzz/metrics_fuzz.cpp).
# usage: scripts/fuzz.sh [MINUTES] [MAX_BYTES] [LIBFUZZER OPTION...]      default 1 minute, inputs of at most 1024 bytes;
#        long inputs from the start: scripts/fuzz.sh 5 8192 -len_control=0
# The corpus, build/fuzz/corpus, grows from run to run; it begins with the pairs of tests/golden. An input that breaks a law or crashes is
# left in build/fuzz; run "build/fuzz/tests/fuzz/metrics_fuzz FILE" to see it again.
set -euo pipefail
cd "$(dirname "$0")/.."

minutes=${1:-1}
max_bytes=${2:-1024}
folder=build/fuzz
cmake -S . -B "$folder" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCMAKE_CXX_COMPILER=clang++ -DPGTRAIN_FUZZ=ON -DPGTRAIN_PCH=OFF >/dev/null
cmake --build "$folder" --target metrics_fuzz

if [[ ! -d $folder/corpus ]]; then
  mkdir "$folder/corpus"
  python3 - "$folder/corpus" <<'PYTHON'
import json, pathlib, random, sys
rng = random.Random(1)
for number, line in enumerate(pathlib.Path("tests/golden/text_metrics.jsonl").read_text(encoding="utf-8").splitlines()):
    row = json.loads(line)
    if "hypothesis" in row:
        texts = [row["hypothesis"], *row["references"]]
        options = bytes([rng.randrange(5), rng.randrange(4), rng.randrange(256), rng.randrange(2), 4, 7, rng.choice([1, 4]), 48, 16, number % 24])
        pathlib.Path(sys.argv[1], f"golden{number:03}").write_bytes(options + b"\xff".join(t.encode() for t in texts))
PYTHON
fi

# No single allocation may be larger than what texts of that length justify (chrF with n-grams of 32 characters takes the most).
"$folder/tests/fuzz/metrics_fuzz" -max_total_time=$((minutes * 60)) -max_len="$max_bytes" -malloc_limit_mb=$((4 + max_bytes / 256)) -timeout=20 -entropic=0 -print_final_stats=1 \
  -artifact_prefix="$folder/" "${@:3}" "$folder/corpus" 2>&1 | tee "$folder/fuzz.log" | grep -vE '(NEW|REDUCE|RELOAD)  '

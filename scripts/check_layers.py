#!/usr/bin/env python3
"""Checks that every module includes only modules before it (the order of lib/README.md) and that only .cpp files include
<torch/torch.h>. Prints each violation as path:line; exit code 1 when there is one."""
import pathlib
import re
import sys

ORDER = ("core config metrics text similarity dataset reward tensor nn modelfile rl rollout checkpoint train report").split()
root = pathlib.Path(__file__).resolve().parent.parent
problems = []
for path in sorted([*(root / "lib").rglob("*.h"), *(root / "lib").rglob("*.cpp")]):
    module = path.relative_to(root / "lib").parts[0]
    if module == "pch.cpp":
        continue
    if module not in ORDER:
        problems.append(f"{path}:1: module {module} is not in the order")
        continue
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if path.suffix == ".h" and "<torch/torch.h>" in line:
            problems.append(f"{path}:{number}: a header includes <torch/torch.h>; take <torch/types.h> or <ATen/core/Tensor.h>")
        match = re.match(r'#include "([a-z_]+)/', line)
        if match and match[1] in ORDER and ORDER.index(match[1]) > ORDER.index(module):
            problems.append(f"{path}:{number}: {module} may not include {match[1]}, which comes after it")
        elif match and match[1] not in ORDER:
            problems.append(f"{path}:{number}: unknown module {match[1]}")
for name in ORDER:
    if not (root / "lib" / name).is_dir():
        problems.append(f"lib/{name}: missing")
print("\n".join(problems) if problems else f"layers: {len(ORDER)} modules in order")
sys.exit(1 if problems else 0)

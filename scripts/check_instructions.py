#!/usr/bin/env python3
"""Checks that a build runs on every x86-64 processor: no object file of lib/ and app/ has AVX instructions but those of the kernels' AVX2 and
AVX-512 variants, and these define nothing that the linker could share with other files (weak symbols, such as inline functions).

usage: check_instructions.py [build/release] [--objdump objdump] [--nm nm]          exit code 77: no such tools, nothing was checked"""
import argparse
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys

# A register of 256 or 512 bits, or a VEX or EVEX form of an instruction (its name begins with v) on one of 128 bits.
AVX = re.compile(rb"^ *[0-9a-f]+:\s[^<\n]*?(?:%[yz]mm|\bv\w+\s[^<\n]*%xmm|\bvzero(?:upper|all)\b).*", re.MULTILINE)
VARIANTS = ("pgtrain_kernels_avx2.dir", "pgtrain_kernels_avx512.dir")


def run(command):
    return subprocess.run(command, check=True, capture_output=True).stdout


def avx_instruction(objdump, file):
    match = AVX.search(run([objdump, "--disassemble", "--no-show-raw-insn", str(file)]))
    return match.group(0).decode().strip() if match else None


def weak_symbols(nm, file):
    lines = run([nm, "--defined-only", "--demangle", str(file)]).decode().splitlines()
    return [line.split(maxsplit=2)[2] for line in lines if re.match(r"^[0-9a-f]+ [WwVvu] ", line)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", nargs="?", default="build/release", type=pathlib.Path)
    parser.add_argument("--objdump", default="objdump")
    parser.add_argument("--nm", default="nm")
    args = parser.parse_args()
    if not shutil.which(args.objdump) or not shutil.which(args.nm):
        print("objdump or nm is missing")
        return 77
    objects = sorted(file for folder in ("lib", "app") for file in (args.build / folder).rglob("*.o"))
    variants = [file for file in objects if any(name in file.parts for name in VARIANTS)]
    others = [file for file in objects if file not in variants]
    if not others or not variants:
        sys.exit(f"{args.build}: {len(others)} object files, {len(variants)} of the AVX variants: build the project first")
    problems = []
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for file, found in zip(others, pool.map(lambda file: avx_instruction(args.objdump, file), others)):
            if found:
                problems.append(f"{file}: {found}")
    for file in variants:
        if not avx_instruction(args.objdump, file):
            problems.append(f"{file}: has no AVX instruction, so this check sees none or the variant is not compiled as one")
        problems += [f"{file}: defines {symbol}, which other files may be linked to" for symbol in weak_symbols(args.nm, file)]
    print("\n".join(problems) or f"{len(others)} object files without AVX instructions, {len(variants)} variants without shared symbols")
    return 1 if problems else 0


sys.exit(main())

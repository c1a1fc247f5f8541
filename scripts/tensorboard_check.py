#!/usr/bin/env python3
"""Compares a run's event file, read by TensorBoard itself, with the run's own record.

usage: tensorboard_check.py RUN...        (pip install tensorboard; TensorFlow is not needed)

For each run directory: every number of metrics.jsonl and timing.jsonl must come back under its tag, at its step, as float32, once and in
order, and nothing else may; every evaluation must have its text and every histogram its step once. timing.jsonl may hold a step twice (a
killed run keeps its times): the later row counts. Both of TensorBoard's readers are asked: EventAccumulator, which scripts use, and the one
behind its pages. Exit code 1 on any difference.
"""
import json
import math
import os
import struct
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
from tensorboard.backend.event_processing import event_accumulator, plugin_event_accumulator
from tensorboard.util import tensor_util


def float32(value):
    if value is None:
        return math.nan
    try:
        return struct.unpack("<f", struct.pack("<f", value))[0]
    except OverflowError:
        return math.copysign(math.inf, value)


def rows(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def tag_of(phase, column):
    """The tag of a column, as the documentation states it."""
    if phase == "eval" and column.startswith("eval_"):
        column = column[len("eval_"):]
    return f"{phase}/{column}"


def expected_scalars(run):
    """{tag: [(step, value), ...]}"""
    result = {}

    def add(phase, row):
        for column, value in row.items():
            if column in ("phase", "step", "nonfinite"):
                continue
            result.setdefault(tag_of(phase, column), []).append((row["step"], float32(value)))

    for row in rows(os.path.join(run, "metrics.jsonl")):
        add(row["phase"], row)
    timing = {row["step"]: row for row in rows(os.path.join(run, "timing.jsonl"))}
    for step in sorted(timing):
        add("timing", timing[step])
    return result


def same(expected, read):
    """A value that is not finite is null in the record."""
    return len(expected) == len(read) and all(
        a[0] == b[0] and (a[1] == b[1] or (math.isnan(a[1]) and not math.isfinite(b[1]))) for a, b in zip(expected, read))


def read_with_scripts_reader(run):
    reader = event_accumulator.EventAccumulator(run, size_guidance={"scalars": 0, "histograms": 0, "tensors": 0})
    reader.Reload()
    tags = reader.Tags()
    scalars = {tag: [(e.step, e.value) for e in reader.Scalars(tag)] for tag in tags["scalars"]}
    histograms = {tag: [(e.step, e.histogram_value.num) for e in reader.Histograms(tag)] for tag in tags["histograms"]}
    texts = {tag: [(e.step, e.tensor_proto.string_val[0].decode()) for e in reader.Tensors(tag)] for tag in tags["tensors"]}
    return scalars, histograms, texts


def read_with_pages_reader(run):
    reader = plugin_event_accumulator.EventAccumulator(run, size_guidance={"tensors": 0})
    reader.Reload()
    of_plugin = {name: {} for name in ("scalars", "histograms", "text")}
    for tag in reader.Tags()["tensors"]:
        name = reader.SummaryMetadata(tag).plugin_data.plugin_name
        of_plugin[name][tag] = [(e.step, tensor_util.make_ndarray(e.tensor_proto)) for e in reader.Tensors(tag)]
    scalars = {tag: [(s, float(v)) for s, v in points] for tag, points in of_plugin["scalars"].items()}
    histograms = {tag: [(s, float(v[:, 2].sum())) for s, v in points] for tag, points in of_plugin["histograms"].items()}
    texts = {tag: [(s, v.flat[0].decode()) for s, v in points] for tag, points in of_plugin["text"].items()}
    return scalars, histograms, texts


def problems_of(run, reader):
    scalars, histograms, texts = reader(run)
    expected = expected_scalars(run)
    for tag in sorted(set(expected) ^ set(scalars)):
        yield f"{tag}: {'missing' if tag in expected else 'not in the record'}"
    for tag in sorted(set(expected) & set(scalars)):
        if not same(expected[tag], scalars[tag]):
            yield f"{tag}: {len(scalars[tag])} points read, {len(expected[tag])} recorded, not the same"
    for tag, points in list(histograms.items()) + list(texts.items()):
        steps = [step for step, _ in points]
        if steps != sorted(set(steps)):
            yield f"{tag}: steps {steps} do not ascend"
    for tag, points in histograms.items():
        if any(count <= 0 for _, count in points):
            yield f"{tag}: an empty histogram"
    evaluations = [step for step, _ in expected.get("eval/reward", [])]
    if [step for step, _ in texts.get("samples/eval", [])] != evaluations:
        yield f"samples/eval: not one text for each of the evaluations {evaluations}"
    if [step for step, _ in texts.get("config", [])] != [0]:
        yield "config: not there once, at step 0"


def check(run):
    files = [name for name in os.listdir(run) if "tfevents" in name and os.path.getsize(os.path.join(run, name)) > 0]
    problems = [] if len(files) == 1 else [f"{len(files)} event files"]
    for reader in (read_with_scripts_reader, read_with_pages_reader):
        problems += [f"{reader.__name__}: {text}" for text in problems_of(run, reader)]
    expected = expected_scalars(run)
    count = sum(len(points) for points in expected.values())
    print(f"{run}: {len(expected)} curves, {count} points, {sum(os.path.getsize(os.path.join(run, f)) for f in files)} bytes: "
          f"{'as recorded' if not problems else 'DIFFERENT'}")
    for problem in problems:
        print(f"  {problem}")
    return not problems


if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    sys.exit(0 if all([check(run) for run in sys.argv[1:]]) else 1)

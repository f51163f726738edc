"""Tables that races are simulated on: latencies of others and of our survey, and accuracy."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import resources
from statistics import median

from models.catalog.catalog import load_catalog
from protos.runtimes import Runtime
from tests.benchmarks.predicting.survey.table import Table


@dataclass(frozen=True)
class Known:
    """What is true of a backbone in a simulation."""

    name: str
    top1: float
    latency_ms: float
    sizes: tuple[float, float]


_KEY = ("device", "runtime", "precision", "threads", "batch")
# As the file has them.
TABLES = {
    "Snapdragon 855, 1 thread": ("Snapdragon 855", "Paddle Lite", "FP32", "1", "1"),
    "Snapdragon 855, 4 threads": ("Snapdragon 855", "Paddle Lite", "FP32", "4", "1"),
    "Xeon Gold 6148": ("Intel Xeon Gold 6148", "Paddle Inference + MKLDNN", "FP32", "10", "1"),
    "T4, TensorRT": ("T4", "TensorRT 8.0.3.4", "FP32", "", "1"),
    "V100, TensorRT": ("V100", "TensorRT 8.0.3.4", "FP32", "", "1"),
}


# What ran there and on how many threads, in the survey of this project's own machine.
SURVEYED = {
    "this machine, Paddle Lite, 1 thread": (Runtime.PADDLELITE, 1),
    "this machine, ONNX Runtime, 2 threads": (Runtime.ONNXRUNTIME, 2),
}


def read_table(name: str) -> list[Known]:
    """The backbones of a table with accuracy and sizes, each once."""
    catalog = {each.name: each for each in load_catalog()}
    rows = _surveyed(*SURVEYED[name]) if name in SURVEYED else _published(TABLES[name])
    found: dict[str, Known] = {}
    for backbone_name, latency_ms in rows:
        backbone = catalog.get(backbone_name)
        if backbone is None or backbone_name in found:
            continue
        flops = backbone.counted_flops_g or backbone.flops_g
        params = backbone.counted_params_m or backbone.params_m
        if backbone.top1 is not None and flops and params:
            sizes = (flops, params)
            found[backbone_name] = Known(backbone_name, backbone.top1, latency_ms, sizes)
    return list(found.values())


def _published(key: tuple[str, ...]) -> Iterator[tuple[str, float]]:
    text = resources.files("models").joinpath("data/reference_latency.csv").read_text("utf-8")
    for row in csv.DictReader(text.splitlines()):
        if key == tuple(row[field] for field in _KEY):
            yield row["name"], float(row["latency_ms"])


def _surveyed(runtime: Runtime, threads: int) -> Iterator[tuple[str, float]]:
    for row in Table().rows:
        if (row.runtime, row.threads) == (runtime, threads) and row.steady_ms:
            yield row.backbone, median(row.steady_ms)


def flat_table(count: int, apart: float) -> list[Known]:
    """Backbones that are all of the front, each so much slower than the one before: 0.01 is 1 %."""
    return [
        Known(f"alike_{number}", 70 + number * 0.1, 10 * (1 + apart) ** number, (1.0, 1.0))
        for number in range(count)
    ]


def front(known: Sequence[Known]) -> list[Known]:
    """The true front, the fastest first."""
    chosen: list[Known] = []
    for each in sorted(known, key=lambda each: (each.latency_ms, -each.top1)):
        if not chosen or each.top1 > chosen[-1].top1:
            chosen.append(each)
    return chosen

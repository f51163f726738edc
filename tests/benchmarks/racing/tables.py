"""Tables that races are simulated on: published latencies, with published accuracy."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources

from models.catalog.catalog import load_catalog


@dataclass(frozen=True)
class Known:
    """What is true of a backbone in a simulation."""

    name: str
    top1: float
    latency_ms: float
    sizes: tuple[float, float]


# Device, what ran there, precision, threads and batch, as the file has them.
TABLES = {
    "Snapdragon 855, 1 thread": ("Snapdragon 855", "Paddle Lite", "FP32", "1", "1"),
    "Snapdragon 855, 4 threads": ("Snapdragon 855", "Paddle Lite", "FP32", "4", "1"),
    "Xeon Gold 6148": ("Intel Xeon Gold 6148", "Paddle Inference + MKLDNN", "FP32", "10", "1"),
    "T4, TensorRT": ("T4", "TensorRT 8.0.3.4", "FP32", "", "1"),
    "V100, TensorRT": ("V100", "TensorRT 8.0.3.4", "FP32", "", "1"),
}


def read_table(name: str) -> list[Known]:
    """The backbones of a table with accuracy and sizes, each once."""
    catalog = {each.name: each for each in load_catalog()}
    text = resources.files("models").joinpath("data/reference_latency.csv").read_text("utf-8")
    found: dict[str, Known] = {}
    for row in csv.DictReader(text.splitlines()):
        key = tuple(row[field] for field in ("device", "runtime", "precision", "threads", "batch"))
        backbone = catalog.get(row["name"])
        if key != TABLES[name] or backbone is None or row["name"] in found:
            continue
        flops = backbone.counted_flops_g or backbone.flops_g
        params = backbone.counted_params_m or backbone.params_m
        if backbone.top1 is not None and flops and params:
            sizes = (flops, params)
            found[row["name"]] = Known(row["name"], backbone.top1, float(row["latency_ms"]), sizes)
    return list(found.values())


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

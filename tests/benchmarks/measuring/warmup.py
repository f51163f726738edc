"""Whether what comes right after the warm-up is what comes later."""

import math
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from scipy import stats

from agent.child.stopping import MIN_SAMPLES, MIN_SAMPLING_NS
from models.catalog.variants import Format
from protos.measuring import Repetition
from protos.runtimes import Runtime
from tests.benchmarks.measuring.fidelity import converted
from tests.benchmarks.measuring.recording import Subject, one_repetition, small_network
from tests.benchmarks.pages.section import Section
from tests.benchmarks.size import SHARE, scaled

# With the small network from about 0.5 ms to 50 ms on a PC.
BACKBONES = ("MobileNetV1_x0_25", "MobileNetV3_small_x1_0", "MobileNetV1", "ResNet50")
# More processes are taken until their mean ratio is known better than the limit.
FEWEST_PROCESSES, MOST_PROCESSES = 20, 60
HALF_WIDTH = 0.0075
# Its second half comes after a warm-up of as long, which no rule would ask for.
TIME_BUDGET_MS = 4_000
LIMIT = 0.01
# What interrupts one process for a moment is not the warm-up's doing.
TRIMMED = (0.1, 0.1)


def run() -> Section:
    """Fresh processes of each network, each against itself."""
    rows, holds = [], True
    with tempfile.TemporaryDirectory() as folder:
        for name, subject in _subjects(Path(folder)):
            taken = _taken(subject)
            ratio, half_width = _mean_ratio(taken)
            rows.append(_row(name, subject, taken, f"{ratio:.3f} ± {half_width:.3f}"))
            holds = holds and abs(ratio - 1) <= LIMIT
    return Section(
        title="Warm-up",
        promise=f"the median of the first {MIN_SAMPLES} samples, or of the first "
        f"{MIN_SAMPLING_NS / 1e9:g} s of them, is that of the same process after "
        f"{TIME_BUDGET_MS / 2_000:g} s more, within {LIMIT:.0%}: the geometric mean ratio of "
        f"{FEWEST_PROCESSES} fresh processes or more, up to {MOST_PROCESSES}, until its 95 % "
        f"interval is ±{HALF_WIDTH:.2%}, a tenth trimmed at each end. Runs and milliseconds of the "
        "warm-up are medians.",
        header=(
            "network",
            "runtime",
            "ms",
            "warm-up runs",
            "warm-up ms",
            "early to late",
            "processes",
        ),
        rows=rows,
        holds=holds,
    )


def early_to_late(taken: Repetition) -> float:
    """The median of the fewest samples that a repetition may have, relative to the later half's."""
    latency = np.asarray(taken.latency_ns, dtype=np.float64)
    within = int(np.searchsorted(np.cumsum(latency), MIN_SAMPLING_NS)) + 1
    early, late = latency[: max(within, MIN_SAMPLES)], latency[len(latency) // 2 :]
    return float(np.median(early) / np.median(late))


def _subjects(folder: Path) -> Iterator[tuple[str, Subject]]:
    yield "one of few operators", small_network(folder)
    for name in BACKBONES:
        for made in converted(name, folder / name):
            onnx = made.variant.format is Format.ONNX
            yield (
                name,
                Subject(
                    artifact=made.path,
                    runtime=Runtime.ONNXRUNTIME if onnx else Runtime.PADDLELITE,
                    input_size=made.variant.input_size,
                ),
            )


def _row(name: str, subject: Subject, taken: Sequence[Repetition], ratio: str) -> tuple[str, ...]:
    return (
        name,
        subject.runtime.value,
        f"{np.median([np.median(each.latency_ns) for each in taken]) / 1e6:.3f}",
        f"{np.median([len(each.warmup_ns) for each in taken]):.0f}",
        f"{np.median([sum(each.warmup_ns) for each in taken]) / 1e6:.0f}",
        ratio,
        str(len(taken)),
    )


def _taken(subject: Subject) -> list[Repetition]:
    """As many fresh processes as tell the mean ratio well enough, or the most."""
    taken: list[Repetition] = []
    while len(taken) < scaled(MOST_PROCESSES):
        taken.append(one_repetition(subject, round(TIME_BUDGET_MS * SHARE)))
        if len(taken) >= scaled(FEWEST_PROCESSES) > 1 and _mean_ratio(taken)[1] <= HALF_WIDTH:
            break
    return taken


def _mean_ratio(taken: Sequence[Repetition]) -> tuple[float, float]:
    """The trimmed geometric mean, and how far its 95 % interval reaches (Yuen, 1974)."""
    logs = np.log([early_to_late(each) for each in taken])
    low, high = stats.mstats.trimmed_mean_ci(logs, TRIMMED, alpha=0.05)
    return math.exp(stats.trim_mean(logs, TRIMMED[0])), float(high - low) / 2

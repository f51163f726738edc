"""The figure that edgerank reports against a bare loop over the same artifact, in turn."""

import json
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy import stats

from agent.child.messages import Phase
from agent.device.kernel_files import Roots
from agent.measuring.device_watch import DeviceWatch
from agent.measuring.measurer import Measurer
from agent.measuring.supervision import Cancellation
from agent.runtimes import available_runtimes
from controller.sweeps.parts import INPUT_SEED
from models.catalog.catalog import load_catalog
from models.catalog.variants import Format, Target, WeightsKind, variants_of
from models.conversion.pipeline import Converted, convert
from models.weights.weights import resolve_weights
from protos.inputs import NetworkInput
from protos.measuring import MeasureSettings
from protos.runtimes import Runtime
from tests.benchmarks.measuring.recording import Subject, one_repetition
from tests.benchmarks.pages.section import Section
from tests.benchmarks.size import SHARE, scaled

# From 1 ms to 200 ms on a PC.
BACKBONES = (
    "MobileNetV3_small_x0_35",
    "MobileNetV1",
    "GhostNet_x1_3",
    "ResNet50",
    "ResNet152",
)
THREADS = (1, 2)
LIMIT = 0.01
# Neither a round that something disturbed nor one that nothing did moves the ratio far.
TRIMMED = (0.2, 0.2)
ADDED_CPU_LIMIT = 0.01
BARE_LOOP = Path(__file__).with_name("bare_loop.py")
# Fresh processes of one loop differ by 0.5 to 3 % among themselves, so that a ratio of few rounds
# tells of chance: they go on until it is known better than this, or there are the most.
FEWEST, MOST = 15, 60
HALF_WIDTH = 0.0075
TIME_BUDGET_MS = 5_000
BARE_LOOP_MS, FEWEST_RUNS, MOST_RUNS = 3_000, 12, 80


def run() -> Section:
    """Rounds of both in turn, each first every second time; the mean ratio of rounds decides."""
    rows, holds = [], True
    with tempfile.TemporaryDirectory() as folder:
        for name in BACKBONES:
            for made in converted(name, Path(folder) / name):
                for threads in THREADS:
                    row, row_holds = _row(name, made, threads)
                    rows.append(row)
                    holds = holds and row_holds
    return Section(
        title="Fidelity",
        promise=f"the median that edgerank reports is within {LIMIT:.0%} of a bare loop's: the "
        f"geometric mean ratio of rounds in turn, a fifth trimmed at each end. There are "
        f"{FEWEST} rounds or more, up to {MOST}, until its 95 % interval is "
        f"±{HALF_WIDTH:.2%}, since fresh processes of one loop differ, too: *apart* is the "
        "standard deviation of the bare loop's medians. While it samples, the child's time outside "
        "of inferences and the CPU time of the agent that watches are together under "
        f"{ADDED_CPU_LIMIT:.0%} of one core.",
        header=(
            "backbone",
            "runtime",
            "threads",
            "bare loop ms",
            "apart",
            "edgerank ms",
            "ratio",
            "rounds",
            "child besides",
            "agent",
        ),
        rows=rows,
        holds=holds,
    )


def _row(name: str, converted: Converted, threads: int) -> tuple[tuple[str, ...], bool]:
    """A row, and whether both promises hold of it."""
    onnx = converted.variant.format is Format.ONNX
    runtime = Runtime.ONNXRUNTIME if onnx else Runtime.PADDLELITE
    measurer = Measurer(runtimes=available_runtimes())
    bare, ours = rounds(measurer, converted, runtime, threads)
    ratio, half_width = mean_ratio(bare, ours)
    subject = Subject(
        artifact=converted.path,
        runtime=runtime,
        input_size=converted.variant.input_size,
        threads=threads,
    )
    child, agent = _added_cpu(subject)
    row = (
        name,
        runtime.value,
        str(threads),
        f"{np.median(bare):.3f}",
        f"{np.std(np.log(bare), ddof=1):.1%}",
        f"{np.median(ours):.3f}",
        f"{ratio:.3f} ± {half_width:.3f}",
        str(len(ours)),
        f"{child:.2%}",
        f"{agent:.2%}",
    )
    return row, abs(ratio - 1) <= LIMIT and child + agent < ADDED_CPU_LIMIT


def _added_cpu(subject: Subject) -> tuple[float, float]:
    """What a child does besides inferences, and its watching agent, in cores while it samples."""
    wall_ns, cpu_ns = {}, {}
    with DeviceWatch(Roots(), lambda: 0) as watch:

        def on_phase(pid: int, phase: Phase) -> None:
            wall_ns[phase], cpu_ns[phase] = time.monotonic_ns(), time.process_time_ns()
            watch.on_phase(pid, phase)

        taken = one_repetition(subject, round(TIME_BUDGET_MS * SHARE), on_phase=on_phase)
    begin, end = Phase.SAMPLING, Phase.REPORTING
    span_ns = wall_ns[end] - wall_ns[begin]
    return 1 - sum(taken.latency_ns) / span_ns, (cpu_ns[end] - cpu_ns[begin]) / span_ns


def converted(name: str, folder: Path) -> list[Converted]:
    """A backbone's files for this machine, in fp32 and with synthetic weights."""
    backbone = load_catalog().get(name)
    weights = resolve_weights(backbone, WeightsKind.SYNTHETIC, folder, lambda _done, _total: None)
    wanted = [each for each in variants_of(backbone) if each.target is not Target.ARM]
    fates = convert(backbone, wanted, weights, folder, lambda _step: None)
    made = [fate for fate in fates if isinstance(fate, Converted)]
    assert len(made) == len(wanted), fates
    return made


def rounds(
    measurer: Measurer, converted: Converted, runtime: Runtime, threads: int
) -> tuple[list[float], list[float]]:
    """The medians of a bare loop and of a measurer's children, in turn, ms."""
    first_ms = _bare_median_ms(converted, runtime, threads, FEWEST_RUNS)
    count = min(MOST_RUNS, max(FEWEST_RUNS, round(BARE_LOOP_MS / first_ms)))
    bare: list[float] = []
    ours: list[float] = []
    while len(ours) < scaled(MOST) and not _is_known(bare, ours):
        if len(ours) % 2:
            ours.append(_our_median_ms(measurer, converted, runtime, threads))
            bare.append(_bare_median_ms(converted, runtime, threads, count))
        else:
            bare.append(_bare_median_ms(converted, runtime, threads, count))
            ours.append(_our_median_ms(measurer, converted, runtime, threads))
    return bare, ours


def _is_known(bare: Sequence[float], ours: Sequence[float]) -> bool:
    return len(ours) >= scaled(FEWEST) and mean_ratio(bare, ours)[1] <= HALF_WIDTH


def mean_ratio(bare: Sequence[float], ours: Sequence[float]) -> tuple[float, float]:
    """The trimmed mean ratio of rounds, and how far its 95 % interval reaches.

    Yuen's interval of a trimmed mean (1974), of the ratios' logarithms.
    """
    logs = np.log(np.divide(ours, bare))
    low, high = stats.mstats.trimmed_mean_ci(logs, TRIMMED, alpha=0.05)
    middle = stats.trim_mean(logs, TRIMMED[0])
    return math.exp(middle), float(high - low) / 2


def _bare_median_ms(converted: Converted, runtime: Runtime, threads: int, count: int) -> float:
    arguments = (runtime.value, converted.path, threads, converted.variant.input_size)
    done = subprocess.run(
        [sys.executable, BARE_LOOP, *map(str, arguments), str(INPUT_SEED), str(count)],
        capture_output=True,
        text=True,
        check=True,
    )
    return float(np.median(json.loads(done.stdout.splitlines()[-1]))) / 1e6


def _our_median_ms(
    measurer: Measurer, converted: Converted, runtime: Runtime, threads: int
) -> float:
    size = converted.variant.input_size
    settings = MeasureSettings(
        runtime=runtime,
        threads=threads,
        relative_half_width=0.01,
        time_budget_ms=TIME_BUDGET_MS,
        takes=NetworkInput(size=size),
        input_seed=INPUT_SEED,
    )
    measured = measurer.measure(converted.path, settings, Cancellation())
    return float(np.median(measured.repetition.latency_ns)) / 1e6

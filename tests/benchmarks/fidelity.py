"""The figure that edgerank reports against a bare loop over the same artifact, in turn."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from agent.domain import MeasureSettings, Runtime
from agent.measuring import Measurer
from agent.runtimes import available_runtimes
from agent.supervision import Cancellation
from controller.planning import INPUT_SEED
from models.catalog import load_catalog
from models.pipeline import Converted, convert
from models.variants import Format, Target, WeightsKind, fp32_variants
from models.weights import resolve_weights
from tests.benchmarks.section import Section

BACKBONES = ("MobileNetV3_small_x1_0", "MobileNetV1")
THREADS = (1, 2)
ROUNDS = 15
LIMIT = 0.03
SAMPLE_COUNT = 80
BARE_LOOP = Path(__file__).with_name("bare_loop.py")


def run() -> Section:
    """Rounds of bare loop, edgerank, bare loop, ...; the median ratio of neighbours decides."""
    rows = []
    worst = 0.0
    with tempfile.TemporaryDirectory() as folder:
        for name in BACKBONES:
            for converted in _converted(name, Path(folder) / name):
                onnx = converted.variant.format is Format.ONNX
                runtime = Runtime.ONNXRUNTIME if onnx else Runtime.PADDLELITE
                for threads in THREADS:
                    bare, ours = _rounds(converted, runtime, threads)
                    ratio = float(np.median(np.divide(ours, bare)))
                    worst = max(worst, abs(ratio - 1))
                    rows.append(
                        (
                            name,
                            runtime.value,
                            str(threads),
                            f"{np.median(bare):.3f}",
                            f"{np.median(ours):.3f}",
                            f"{ratio:.3f}",
                        )
                    )
    return Section(
        title="Fidelity",
        promise=f"the median that edgerank reports is within {LIMIT:.0%} of a bare loop's, "
        f"median ratio of {ROUNDS} rounds run in turn.",
        header=("backbone", "runtime", "threads", "bare loop ms", "edgerank ms", "ratio"),
        rows=rows,
        holds=worst <= LIMIT,
    )


def _converted(name: str, folder: Path) -> list[Converted]:
    backbone = load_catalog().get(name)
    weights = resolve_weights(backbone, WeightsKind.SYNTHETIC, folder, lambda _done, _total: None)
    wanted = [variant for variant in fp32_variants(backbone) if variant.target is not Target.ARM]
    fates = convert(backbone, wanted, weights, folder, lambda _step: None)
    made = [fate for fate in fates if isinstance(fate, Converted)]
    assert len(made) == len(wanted), fates
    return made


def _rounds(
    converted: Converted, runtime: Runtime, threads: int
) -> tuple[list[float], list[float]]:
    measurer = Measurer(runtimes=available_runtimes())
    bare, ours = [], []
    for _ in range(ROUNDS):
        bare.append(_bare_median_ms(converted, runtime, threads))
        ours.append(_our_median_ms(measurer, converted, runtime, threads))
    return bare, ours


def _bare_median_ms(converted: Converted, runtime: Runtime, threads: int) -> float:
    arguments = (runtime.value, converted.path, threads, converted.variant.input_size)
    done = subprocess.run(
        [sys.executable, BARE_LOOP, *map(str, arguments), str(INPUT_SEED), str(SAMPLE_COUNT)],
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
        repetitions=1,
        relative_half_width=0.01,
        time_budget_ms=1_500,
        input_shape=(1, 3, size, size),
        input_seed=INPUT_SEED,
    )
    measured = measurer.measure(converted.path, settings, Cancellation(), lambda _done: None)
    return float(np.median(measured.repetitions[0].latency_ns)) / 1e6

"""The native runner's figure against a bare loop over the same artifact, in turn."""

import subprocess
import tempfile
from importlib import util
from pathlib import Path

import numpy as np

from agent.measuring.measurer import Measurer
from agent.measuring.native.finding import NativeOptions, find_children, infos_of
from models.catalog.variants import Format
from protos.runtimes import Runtime
from tests.benchmarks.measuring.fidelity import LIMIT, Pace, converted, mean_ratio, rounds
from tests.benchmarks.pages.section import Section

# Several milliseconds: of shorter ones the bare loop's own Python is a part, and longer ones take
# long.
BACKBONES = ("MobileNetV1", "ResNet18")
THREADS = (1, 2)
RUNTIME = Runtime.ONNXRUNTIME
# Processes differ more than what is in one of them: more of them, each shorter, know the ratio
# better in the same time. All is done in 8 minutes.
PACE = Pace(
    fewest=20,
    most=120,
    most_s=90,
    half_width=0.004,
    time_budget_ms=1_000,
    relative_half_width=0.001,
    bare_loop_ms=800,
    counts=(12, 400),
)


def run() -> Section:
    """Rounds of both in turn, as of the Python child; the mean ratio of rounds decides."""
    measurer = _measurer()
    rows, holds = [], True
    with tempfile.TemporaryDirectory() as folder:
        for name in BACKBONES:
            (onnx,) = converted(name, Path(folder) / name, [Format.ONNX])
            for threads in THREADS:
                bare, ours = rounds(measurer, onnx, RUNTIME, threads, PACE)
                ratio, half_width = mean_ratio(bare, ours)
                holds = holds and abs(ratio - 1) <= LIMIT
                rows.append(
                    (
                        name,
                        str(threads),
                        f"{np.median(bare):.3f}",
                        f"{np.std(np.log(bare), ddof=1):.1%}",
                        f"{np.median(ours):.3f}",
                        f"{ratio:.3f} ± {half_width:.3f}",
                        str(len(ours)),
                    )
                )
    return Section(
        title="Native runner",
        promise=f"the median of the native runner is within {LIMIT:.0%} of a bare loop's in "
        "Python, over the same file and the same ONNX Runtime: the geometric mean ratio of rounds "
        "in turn, a fifth trimmed at each end, with its 95 % interval. Rounds of about a second a "
        f"side go on until that is ±{PACE.half_width:.1%}, from {PACE.fewest} up to {PACE.most}, "
        f"or for {PACE.most_s:g} s.",
        header=("backbone", "threads", "bare loop ms", "apart", "runner ms", "ratio", "rounds"),
        rows=rows,
        holds=holds,
    )


def _measurer() -> Measurer:
    built = subprocess.run(["tools/native", "x86_64"], capture_output=True, text=True, check=True)
    package = util.find_spec("onnxruntime")
    assert package is not None
    assert package.origin is not None
    (library,) = (Path(package.origin).parent / "capi").glob("libonnxruntime.so.*")
    runner = Path(built.stdout.strip()) / "x86_64" / "edgerank-runner"
    children = find_children(
        NativeOptions(runner=runner, libraries={RUNTIME: library}), Path("nowhere")
    )
    return Measurer(runtimes=infos_of(children), children=children)

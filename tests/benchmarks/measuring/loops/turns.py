"""A measuring loop's own part in a figure: both loops in turn, in one process."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from agent.child.messages import ChildRequest, Sampling, encode_request
from agent.measuring.measurer import most_of_available_memory
from agent.measuring.native.given import write_given
from controller.sweeps.parts import INPUT_SEED
from models.catalog.variants import Format
from models.conversion.pipeline import Converted
from protos.inputs import NetworkInput
from protos.runtimes import Runtime
from tests.benchmarks.measuring.fidelity import converted
from tests.benchmarks.measuring.loops import native
from tests.benchmarks.measuring.loops.comparison import LIMIT, Blocks, compare
from tests.benchmarks.pages.section import Section
from tests.benchmarks.size import scaled

# About 0.5, 5 and 40 ms on a PC, with ONNX Runtime on one core.
# Each with the seconds in which enough blocks come together, of a core twice as slow too.
BACKBONES = {"MobileNetV3_small_x0_35": 30, "MobileNetV1": 20, "ResNet50": 75}
THREADS = (1, 2)
# Short, so that neighbours see the same host.
BLOCK_MS = 10
_CHILD = (sys.executable, "-m", "tests.benchmarks.measuring.loops.child")


def run_child() -> Section:
    """The Python child."""
    return _section("The loop of the Python child", dict.fromkeys(Runtime, _CHILD))


def run_native() -> Section:
    """The native runner."""
    program = native.program()
    with tempfile.TemporaryDirectory() as folder:
        commands = {
            runtime: (str(program), str(library))
            for runtime, library in native.libraries(Path(folder)).items()
        }
        return _section("The loop of the native runner", commands)


def _section(title: str, commands: Mapping[Runtime, Sequence[str]]) -> Section:
    rows, hold = [], []
    with tempfile.TemporaryDirectory() as folder:
        for name, length_s in BACKBONES.items():
            for made in converted(name, Path(folder) / name):
                runtime = _runtime_of(made)
                for threads in THREADS if runtime in commands else ():
                    blocks = _blocks(made, threads, commands[runtime], length_s)
                    ratio = compare(blocks)
                    hold.append(ratio.is_within_limit)
                    figures = (
                        f"{np.median(blocks.bare_ns) / 1e6:.3f}",
                        f"{np.median(blocks.measured_ns) / 1e6:.3f}",
                        str(ratio),
                        str(len(blocks.bare_ns)),
                    )
                    rows.append((name, runtime.value, str(threads), *figures))
    return Section(
        title=title,
        promise=f"what the loop that measures takes for an inference is within {LIMIT:.0%} of what "
        "a bare loop takes, over the same network as it was loaded once, in one process: the whole "
        f"95 % interval is. Blocks of about {BLOCK_MS} ms, or of one inference, alternate for "
        f"{min(BACKBONES.values())} to {max(BACKBONES.values())} s, each loop first every second "
        "time. A block's figure is the mean of an inference: of the latencies that the measuring "
        "loop took, and of the time between the two readings of the clock around the bare loop's, "
        "which makes the runtime's call and nothing else. The ratio is the median of neighbouring "
        "blocks' ratios, its interval by bootstrap; the milliseconds are medians of all blocks.",
        header=(
            *("backbone", "runtime", "threads", "bare loop ms", "measuring loop ms"),
            *("ratio", "blocks each"),
        ),
        rows=rows,
        holds=all(hold),
    )


def _runtime_of(made: Converted) -> Runtime:
    onnx = made.variant.format is Format.ONNX
    return Runtime.ONNXRUNTIME if onnx else Runtime.PADDLELITE


def _blocks(made: Converted, threads: int, command: Sequence[str], length_s: int) -> Blocks:
    """What a fresh process of the command says of both loops."""
    takes = NetworkInput(size=made.variant.input_size)
    with tempfile.TemporaryDirectory() as folder:
        request = ChildRequest(
            parent_pid=os.getpid(),
            memory_limit_bytes=most_of_available_memory(),
            runtime=_runtime_of(made),
            takes=takes,
            input_seed=INPUT_SEED,
            sampling=Sampling(
                artifact_path=str(made.path),
                threads=threads,
                relative_half_width=LIMIT,
                time_budget_ms=2_000,
            ),
            given=write_given(Path(folder), takes, INPUT_SEED),
        )
        done = subprocess.run(
            [*command, str(scaled(length_s)), str(BLOCK_MS)],
            input=encode_request(request),
            stdout=subprocess.PIPE,
            check=True,
        )
    told = json.loads(done.stdout.splitlines()[-1])
    return Blocks(measured_ns=told["measured_ns"], bare_ns=told["bare_ns"])

"""Steps of one program: each runs once, two at a time, and what takes the memory of two alone."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from models.catalog.precisions import Precision
from models.conversion.running import Steps
from models.conversion.work import ONNX, ONNX_PARITY, SIMPLIFY
from models.processes.child import Cancellation, ConversionCancelled, StepFailed, StepLimits
from models.processes.forkserver import ForkServers
from models.processes.requests import (
    FileAnswer,
    OnnxRequest,
    ParityAnswer,
    ParityRequest,
    SimplifyRequest,
)

PARITY = ONNX_PARITY[Precision.FP32]
NO_ARTIFACT = ParityRequest("none.onnx", "none.npz", 1e-4)
NO_PROGRAM = OnnxRequest("none", 14, "made.onnx")
NO_SOURCE = SimplifyRequest("none.onnx", "made.onnx")


@pytest.fixture(scope="module")
def servers() -> Iterator[ForkServers]:
    with ForkServers() as forking:
        yield forking


def steps_in(
    folder: Path,
    say: Callable[[str], None],
    servers: ForkServers,
    cancellation: Cancellation | None = None,
) -> Steps:
    bounds = StepLimits().bounds(folder)
    return Steps(bounds, 60, say, cancellation or Cancellation(), servers)


def test_a_step_runs_once_whoever_asks(tmp_path: Path, servers: ForkServers) -> None:
    told: list[str] = []
    with steps_in(tmp_path, told.append, servers) as steps:
        first = steps.start(PARITY, NO_ARTIFACT, ParityAnswer)
        assert steps.start(PARITY, NO_ARTIFACT, ParityAnswer) is first
        for _ in range(2):
            with pytest.raises(StepFailed):
                steps.run(PARITY, NO_ARTIFACT, ParityAnswer)
        assert steps.seconds([PARITY, ONNX]) == steps.seconds([PARITY]) > 0
    assert told == [PARITY.saying]


def test_two_steps_run_at_the_same_time(tmp_path: Path, servers: ForkServers) -> None:
    # Each waits for the other: in turn, they would never begin.
    meeting = threading.Barrier(2, timeout=60)

    def say(_: str) -> None:
        meeting.wait()

    with steps_in(tmp_path, say, servers) as steps:
        parity = steps.start(PARITY, NO_ARTIFACT, ParityAnswer)
        onnx = steps.start(ONNX, NO_PROGRAM, FileAnswer)
        assert isinstance(parity.exception(timeout=60), StepFailed)
        assert isinstance(onnx.exception(timeout=60), StepFailed)


def test_a_large_step_runs_alone(tmp_path: Path, servers: ForkServers) -> None:
    begun, ended_before = threading.Event(), []

    def say(saying: str) -> None:
        if saying == SIMPLIFY.saying:
            begun.set()
        else:
            ended_before.append(steps.seconds([SIMPLIFY]) > 0)

    with steps_in(tmp_path, say, servers) as steps:
        large = steps.start(SIMPLIFY, NO_SOURCE, FileAnswer)
        assert begun.wait(timeout=60)
        small = steps.start(PARITY, NO_ARTIFACT, ParityAnswer)
        assert isinstance(large.exception(timeout=60), StepFailed)
        assert isinstance(small.exception(timeout=60), StepFailed)
    assert ended_before == [True]


def test_nothing_runs_of_a_conversion_that_was_cancelled(
    tmp_path: Path, servers: ForkServers
) -> None:
    cancellation = Cancellation()
    with steps_in(tmp_path, lambda _: None, servers, cancellation) as steps:
        cancellation.cancel()
        with pytest.raises(ConversionCancelled):
            steps.run(PARITY, NO_ARTIFACT, ParityAnswer)

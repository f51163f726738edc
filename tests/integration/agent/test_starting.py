"""A child starts while its agent waits at the gate, and ends with it whatever happens."""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import psutil
import pytest

from agent.measuring.gate_watch import GateWatch
from agent.measuring.measurer import Measurer
from agent.measuring.supervision import Cancellation, MeasuringFailed
from agent.runtimes import available_runtimes
from protos.measuring import MeasureSettings, StartGate
from protos.reasons import Reason, ReasonCode
from protos.runtimes import Runtime
from tests.integration.agent.details import detail_of
from tests.integration.agent.networks import Artifacts, settings
from tests.unit.agent.trees import RASPBERRY_PI, plant

ZONE = "sys/class/thermal/thermal_zone0/temp"
HOUR_MS = 3_600_000
TheChild: TypeAlias = Callable[[], psutil.Process]
both_runtimes = pytest.mark.parametrize("runtime", Runtime, ids=lambda each: each.value)


@pytest.fixture
def measurer(tmp_path: Path) -> Measurer:
    """One whose gate looks at a board that is too hot."""
    watch = GateWatch(roots=plant(tmp_path, RASPBERRY_PI))
    watch.look()
    (tmp_path / ZONE).write_text("72000\n")
    return Measurer(runtimes=available_runtimes(), gate_watch=watch)


def wanted(
    runtime: Runtime, *, is_strict: bool = False, deadline_ms: int = HOUR_MS
) -> MeasureSettings:
    gate = StartGate(max_celsius=60, deadline_ms=deadline_ms, is_strict=is_strict)
    return replace(settings(runtime), gate=gate)


@pytest.fixture(autouse=True)
def the_child() -> Iterator[TheChild]:
    """The one that this process has beside those of other tests; none is left at the end."""
    before = set(psutil.Process().children())

    def found() -> psutil.Process:
        (child,) = set(psutil.Process().children()) - before
        return child

    yield found
    # Of those before, one may have ended meanwhile.
    assert set(psutil.Process().children()) <= before


def failure_after(
    measurer: Measurer,
    artifacts: Artifacts,
    settings: MeasureSettings,
    cancellation: Cancellation,
    waiting: Callable[[Reason | None], None],
) -> MeasuringFailed:
    with pytest.raises(MeasuringFailed) as caught:
        measurer.measure(artifacts.path("tiny", settings.runtime), settings, cancellation, waiting)
    return caught.value


@both_runtimes
def test_the_child_that_starts_at_the_gate_is_the_one_that_measures(
    measurer: Measurer,
    artifacts: Artifacts,
    tmp_path: Path,
    runtime: Runtime,
    the_child: TheChild,
) -> None:
    seen: list[int] = []

    def cool_down(_: Reason | None) -> None:
        seen.append(the_child().pid)
        (tmp_path / ZONE).write_text("40000\n")

    measured = measurer.measure(
        artifacts.path("tiny", runtime), wanted(runtime), Cancellation(), cool_down
    )
    assert measured.repetition.latency_ns
    waiting, measuring = seen
    assert waiting == measuring


def test_one_that_is_killed_while_it_waits_is_told(
    measurer: Measurer, artifacts: Artifacts, tmp_path: Path, the_child: TheChild
) -> None:
    def kill(_: Reason | None) -> None:
        the_child().kill()
        (tmp_path / ZONE).write_text("40000\n")

    wants = wanted(Runtime.ONNXRUNTIME)
    failure = failure_after(measurer, artifacts, wants, Cancellation(), kill).failure
    assert failure.code is ReasonCode.CRASHED
    assert " SIGKILL," in detail_of(failure)


def test_a_cancelled_wait_ends_the_child_that_waits(
    measurer: Measurer, artifacts: Artifacts
) -> None:
    cancellation = Cancellation()
    failed = failure_after(
        measurer,
        artifacts,
        wanted(Runtime.PADDLELITE),
        cancellation,
        lambda _: cancellation.cancel(),
    )
    assert failed.failure.code is ReasonCode.ATTEMPT_CANCELLED


def test_a_strict_gate_that_stays_shut_ends_the_child_that_waits(
    measurer: Measurer, artifacts: Artifacts
) -> None:
    wants = wanted(Runtime.ONNXRUNTIME, is_strict=True, deadline_ms=50)
    failed = failure_after(measurer, artifacts, wants, Cancellation(), lambda _: None)
    assert failed.failure.code is ReasonCode.NOT_READY


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM], ids=lambda each: each.name)
def test_a_child_that_waits_does_not_outlive_its_agent(
    artifacts: Artifacts, tmp_path: Path, ending: signal.Signals
) -> None:
    plant(tmp_path, RASPBERRY_PI)
    artifact = artifacts.path("tiny", Runtime.ONNXRUNTIME)
    agent = subprocess.Popen(
        [sys.executable, "-c", WAIT_FOR_AN_HOUR, str(artifact), str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert agent.stdout is not None
    # The file descriptor stands for this very child, whoever gets its number afterwards.
    watched = os.pidfd_open(int(agent.stdout.readline()))
    agent.send_signal(ending)
    agent.wait()
    with os.fdopen(watched):
        assert select.select([watched], [], [], 30)[0]


WAIT_FOR_AN_HOUR = """
import sys
from pathlib import Path
import psutil
from agent.device.kernel_files import Roots
from agent.measuring.gate_watch import GateWatch
from agent.measuring.measurer import Measurer
from agent.measuring.supervision import Cancellation
from agent.runtimes import available_runtimes
from protos.runtimes import Runtime
from tests.integration.agent.test_starting import ZONE, wanted
artifact, root = map(Path, sys.argv[1:])
watch = GateWatch(roots=Roots(top=root))
watch.look()
(root / ZONE).write_text("72000")
Measurer(runtimes=available_runtimes(), gate_watch=watch).measure(
    artifact,
    wanted(Runtime.ONNXRUNTIME),
    Cancellation(),
    lambda _: print(psutil.Process().children()[0].pid, flush=True),
)
"""

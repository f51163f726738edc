"""A repetition's child starts when the device is ready, with real children and real files."""

from dataclasses import replace
from pathlib import Path

import pytest

from agent.measuring.gate import RESTING_MARGIN_CELSIUS
from agent.measuring.gate_watch import GateWatch
from agent.measuring.measurer import Measurer
from agent.measuring.supervision import Cancellation, MeasuringFailed
from agent.runtimes import available_runtimes
from controller.fleet.credibility.saying import are_of_agents
from protos.codec import from_message
from protos.fleet import Failure, Progress, Report
from protos.measuring import StartGate
from protos.reasons import Reason, ReasonCode, reason
from protos.runtimes import Runtime
from protos.v1 import fleet_pb2, types_pb2
from tests.integration.agent.link.agent_process import joined, lease
from tests.integration.agent.link.fake_controller import FakeController, serving
from tests.integration.agent.networks import Artifacts, settings
from tests.unit.agent.trees import RASPBERRY_PI, plant

ZONE = "sys/class/thermal/thermal_zone0/temp"
HOUR_MS = 3_600_000


@pytest.fixture
def measurer(tmp_path: Path) -> Measurer:
    """One whose gate looks at a board that is at 48.7 degrees, and was when it started."""
    watch = GateWatch(roots=plant(tmp_path, RASPBERRY_PI))
    watch.look()
    return Measurer(runtimes=available_runtimes(), gate_watch=watch)


def test_a_repetition_starts_when_the_board_has_cooled_down(
    measurer: Measurer, artifacts: Artifacts, tmp_path: Path
) -> None:
    (tmp_path / ZONE).write_text("72000\n")
    runtime = Runtime.ONNXRUNTIME
    heard: list[Reason | None] = []

    def cool_down(what: Reason | None) -> None:
        heard.append(what)
        if what:
            (tmp_path / ZONE).write_text("50000\n")

    gate = StartGate(max_celsius=45, deadline_ms=HOUR_MS)
    wanted = replace(settings(runtime), gate=gate)
    artifact = artifacts.path("tiny", runtime)
    measured = measurer.measure(artifact, wanted, Cancellation(), cool_down)
    assert measured.repetition.latency_ns
    at_rest = 48.686 + RESTING_MARGIN_CELSIUS
    hot = reason(ReasonCode.PROCESSOR_ABOVE_REST, celsius=72, limit_celsius=at_rest)
    assert heard == [hot, None]


def test_a_board_that_stays_hot_is_a_failure_with_its_reason(
    measurer: Measurer, artifacts: Artifacts, tmp_path: Path
) -> None:
    (tmp_path / ZONE).write_text("72000\n")
    runtime = Runtime.PADDLELITE
    wanted = replace(settings(runtime), gate=StartGate(max_celsius=60, is_strict=True))
    with pytest.raises(MeasuringFailed) as caught:
        measurer.measure(artifacts.path("tiny", runtime), wanted, Cancellation())
    assert caught.value.failure.reasons == (
        reason(ReasonCode.NOT_READY, deadline_ms=0),
        reason(ReasonCode.PROCESSOR_WARM, celsius=72, limit_celsius=60),
    )


@pytest.mark.parametrize("deadline_ms", [0, 50])
def test_a_board_that_stays_hot_is_measured_all_the_same_and_says_what_was_in_the_way(
    measurer: Measurer, artifacts: Artifacts, tmp_path: Path, deadline_ms: int
) -> None:
    (tmp_path / ZONE).write_text("72000\n")
    runtime = Runtime.PADDLELITE
    gate = StartGate(max_celsius=60, deadline_ms=deadline_ms)
    wanted = replace(settings(runtime), gate=gate)
    taken = measurer.measure(artifacts.path("tiny", runtime), wanted, Cancellation()).repetition
    hot = reason(ReasonCode.PROCESSOR_WARM, celsius=72, limit_celsius=60)
    assert taken.started_unready == hot
    assert taken.latency_ns


def test_a_job_that_waits_can_be_cancelled(
    measurer: Measurer, artifacts: Artifacts, tmp_path: Path
) -> None:
    (tmp_path / ZONE).write_text("72000\n")
    runtime = Runtime.ONNXRUNTIME
    wanted = replace(settings(runtime), gate=StartGate(max_celsius=60, deadline_ms=HOUR_MS))
    cancellation = Cancellation()
    with pytest.raises(MeasuringFailed) as caught:
        measurer.measure(
            artifacts.path("tiny", runtime),
            wanted,
            cancellation,
            lambda _: cancellation.cancel(),
        )
    assert caught.value.failure.code is ReasonCode.ATTEMPT_CANCELLED


def never_open(deadline_ms: int, is_strict: bool = False) -> types_pb2.StartGate:
    """Nothing takes less than no time, on whatever machine this runs."""
    return types_pb2.StartGate(max_load_by_others=-1, deadline_ms=deadline_ms, is_strict=is_strict)


async def test_an_agent_that_waits_says_so_and_hears_the_cancel(
    tmp_path: Path, artifacts: Artifacts
) -> None:
    content = artifacts.path("tiny", Runtime.ONNXRUNTIME).read_bytes()
    async with serving(FakeController()) as controller:
        wanted = lease(controller.store(content), len(content))
        wanted.settings.gate.CopyFrom(never_open(HOUR_MS))
        async with joined(controller, tmp_path) as (call, _):
            call.lease(wanted)
            progress = await call.next("progress")
            while progress.stage != fleet_pb2.STAGE_WAITING:
                progress = await call.next("progress")
            waiting = from_message(progress, Progress).waiting_for
            assert waiting is not None
            assert waiting.code is ReasonCode.CORES_TAKEN
            assert waiting.figures["load_by_others"] >= 0
            assert waiting.figures["most"] == -1
            call.answer(cancel=fleet_pb2.Cancel(attempt_id=wanted.attempt_id))
            report = await call.next("report")
    assert from_message(report.failure, Failure).code is ReasonCode.ATTEMPT_CANCELLED
    assert 0 < report.waited_ms < HOUR_MS


async def test_an_agent_reports_that_its_device_did_not_become_ready(
    tmp_path: Path, artifacts: Artifacts
) -> None:
    content = artifacts.path("tiny", Runtime.ONNXRUNTIME).read_bytes()
    async with serving(FakeController()) as controller:
        wanted = lease(controller.store(content), len(content))
        wanted.settings.gate.CopyFrom(never_open(0, is_strict=True))
        async with joined(controller, tmp_path) as (call, _):
            call.lease(wanted)
            report = await call.next("report")
    waited, taken = from_message(report.failure, Failure).reasons
    assert waited == reason(ReasonCode.NOT_READY, deadline_ms=0)
    assert taken.code is ReasonCode.CORES_TAKEN
    assert are_of_agents((waited, taken))


async def test_an_agent_tells_how_long_a_start_waited_and_what_was_in_the_way(
    tmp_path: Path, artifacts: Artifacts
) -> None:
    content = artifacts.path("tiny", Runtime.ONNXRUNTIME).read_bytes()
    async with serving(FakeController()) as controller:
        wanted = lease(controller.store(content), len(content))
        wanted.settings.gate.CopyFrom(never_open(300))
        async with joined(controller, tmp_path) as (call, _):
            call.lease(wanted)
            report = from_message(await call.next("report"), Report)
    assert report.measured is not None
    unready = report.measured.repetition.started_unready
    assert unready is not None
    assert unready.code is ReasonCode.CORES_TAKEN
    assert are_of_agents((unready,))
    # The first look, which is no waiting yet, is a part of the deadline.
    assert 0 < report.waited_ms < HOUR_MS

"""An agent works with a controller of the last version, and with one of a later version."""

from pathlib import Path
from typing import Any

import pytest

from protos.codec import from_message
from protos.fleet import Failure
from protos.reasons import ReasonCode
from protos.v1 import fleet_pb2
from tests.contract.growing import FUTURE_NUMBER, say_more
from tests.contract.versions import frozen, future
from tests.integration.agent.details import detail_of
from tests.integration.agent.link.agent_process import joined, lease
from tests.integration.agent.link.fake_controller import AgentCall, FakeController, serving


class FutureController(FakeController):
    """Says more than this version knows, from the first word on."""

    def __init__(self) -> None:
        super().__init__(future())

    def welcome(self) -> Any:
        return say_more(super().welcome())


def lease_of(controller: FakeController, content: bytes, attempt_id: str) -> Any:
    """A lease of an artifact, in the words of the controller's version."""
    ours = lease(controller.store(content), len(content), attempt_id=attempt_id)
    return controller.contract.Lease.FromString(ours.SerializeToString())


async def reported(call: AgentCall, attempt_id: str) -> fleet_pb2.Report:
    """The report on an attempt, as this version reads it; the agent asks for more behind it."""
    report = await call.next("report")
    await call.next("ready")
    assert report.attempt_id == attempt_id
    return fleet_pb2.Report.FromString(report.SerializeToString())


async def holds_nothing(call: AgentCall) -> None:
    while (await call.next("heartbeat")).held_attempt_ids:
        pass


async def test_a_controller_of_the_last_version_leases_and_is_reported_to(
    tmp_path: Path, content: bytes
) -> None:
    async with serving(FakeController(frozen())) as controller:
        async with joined(controller, tmp_path) as (call, _):
            call.lease(lease_of(controller, content, "attempt-1"))
            report = await reported(call, "attempt-1")
            assert len(report.measured.repetition.latency_ns) >= 30
            call.commit("attempt-1")
            await holds_nothing(call)
        async with joined(controller, tmp_path) as (call, _):
            assert list(call.hello.held_attempt_ids) == []


async def test_a_later_version_may_tell_more_than_an_agent_knows(
    tmp_path: Path, content: bytes
) -> None:
    async with (
        serving(FutureController()) as controller,
        joined(controller, tmp_path) as (call, _),
    ):
        call.answer(future_message=b"what no agent has heard of")
        told = lease_of(controller, content, "attempt-1")
        told.future_text = "why it matters"
        told.future_numbers.append(1)
        call.lease(told)
        assert (await reported(call, "attempt-1")).HasField("measured")
        committed = say_more(future().ReportCommitted(attempt_id="attempt-1"))
        call.answer(report_committed=committed)
        await holds_nothing(call)


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ("setting", f"field {FUTURE_NUMBER} of a MeasureSettings message"),
        ("runtime", f"Runtime {FUTURE_NUMBER}"),
        ("layout", f"Layout {FUTURE_NUMBER}"),
    ],
)
async def test_what_it_asks_for_and_no_agent_knows_is_refused_by_name_and_the_next_lease_taken(
    tmp_path: Path, content: bytes, asked: str, named: str
) -> None:
    async with (
        serving(FutureController()) as controller,
        joined(controller, tmp_path) as (call, _),
    ):
        strange = lease_of(controller, content, "attempt-1")
        match asked:
            case "setting":
                strange.settings.future_text = "with huge pages"
            case "runtime":
                strange.settings.runtime = FUTURE_NUMBER
            case "layout":
                strange.settings.takes.kind.layout = FUTURE_NUMBER
        call.lease(strange)
        refusal = from_message((await reported(call, "attempt-1")).failure, Failure)
        assert refusal.code is ReasonCode.RUNTIME_ERROR
        assert named in detail_of(refusal)
        call.commit("attempt-1")
        call.lease(lease_of(controller, content, "attempt-2"))
        assert (await reported(call, "attempt-2")).HasField("measured")

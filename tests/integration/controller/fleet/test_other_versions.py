"""A controller works with an agent of the last version, and with one of a later version."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from controller.client import QueryClient
from controller.domain.measurements import Measurement, MeasurementFilter, Verdict
from controller.state.blobs import open_blobs, put_blob
from controller.state.catalog.accuracy import store_catalog
from controller.state.database import open_database
from controller.state.measurements import list_outcomes
from models.catalog.catalog import load_catalog
from models.catalog.precisions import Precision
from models.catalog.variants import Format, Target, Variant
from protos.codec import to_message
from protos.fleet import FEATURES, FREE_BESIDES, Hello, Report
from protos.inputs import square
from protos.reasons import ReasonCode
from protos.v1 import fleet_pb2
from tests.contract.growing import FUTURE_NUMBER, say_more
from tests.contract.versions import frozen, future
from tests.integration.controller.conftest import content_of, start_sweep
from tests.integration.controller.domain_samples import failed_report, hello, measured_report
from tests.integration.controller.fleet.fake_agent import FakeAgent, fake_agent
from tests.processes import running_controller

VARIANT = Variant("MobileNetV1", Format.ONNX, Precision.FP32, Target.ANY, square(224))


@dataclass(frozen=True)
class Serving:
    """A controller that has work for the device "phone"."""

    address: str

    def measurements(self) -> list[Measurement]:
        """What was measured or failed, once the figures of all that was committed are there."""
        with QueryClient(self.address) as client:
            for sweep in client.list_sweeps():
                *_, _last = client.watch_sweep(sweep.sweep_id)
            return list(client.list_measurements(MeasurementFilter()))


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Callable[[int], Serving]]:
    """Starts a controller with so many jobs, whose artifacts are made."""
    with ExitStack() as stack:

        def start(job_count: int) -> Serving:
            state = tmp_path / "controller"
            state.mkdir()
            database = open_database(f"sqlite:///{state / 'controller.sqlite'}")
            store_catalog(database, load_catalog())
            sweep_id = start_sweep(database, "phone", threads=tuple(range(1, job_count + 1)))
            assert list_outcomes(database, sweep_id) == []
            database.close()
            content, made = content_of(VARIANT), tmp_path / "made"
            made.write_bytes(content)
            put_blob(open_blobs(state), hashlib.sha256(content).hexdigest(), made)
            _, address = stack.enter_context(running_controller(state))
            return Serving(address)

        yield start


def in_words_of(contract: Any, said: Hello | Report) -> Any:
    """What an agent says, as another version of the contract writes it."""
    ours = to_message(said, fleet_pb2.Hello if isinstance(said, Hello) else fleet_pb2.Report)
    return getattr(contract, type(said).__name__).FromString(ours.SerializeToString())


async def test_an_agent_of_the_last_version_takes_a_lease_and_reports(
    serving: Callable[[int], Serving],
) -> None:
    controller = serving(1)
    async with fake_agent(controller.address, frozen()) as agent:
        await agent.say(hello=in_words_of(frozen(), hello("phone")))
        assert (await agent.next("welcome")).protocol == 1
        lease = await agent.lease()
        assert await agent.fetch(lease.artifact_sha256) == content_of(VARIANT)
        await agent.say(heartbeat=frozen().Heartbeat(held_attempt_ids=[lease.attempt_id]))
        await agent.say(
            progress=frozen().Progress(attempt_id=lease.attempt_id, stage="STAGE_MEASURING")
        )
        report = measured_report(lease.attempt_id, lease.job_id)
        await agent.say(report=in_words_of(frozen(), report))
        assert (await agent.next("report_committed")).attempt_id == lease.attempt_id
    (measured,) = controller.measurements()
    assert measured.latency is not None
    assert measured.latency.median_ms == pytest.approx(5, rel=0.01)


async def test_one_that_knows_no_refusal_may_forget_what_cannot_be_taken_and_goes_on(
    serving: Callable[[int], Serving],
) -> None:
    controller = serving(2)
    async with fake_agent(controller.address, frozen()) as agent:
        await agent.say(hello=in_words_of(frozen(), hello("phone")))
        first = await agent.lease()
        await agent.say(report=frozen().Report(attempt_id=first.attempt_id, job_id=first.job_id))
        assert (await agent.next("report_committed")).attempt_id == first.attempt_id
        second = await agent.lease()
        report = measured_report(second.attempt_id, second.job_id)
        await agent.say(report=in_words_of(frozen(), report))
        assert (await agent.next("report_committed")).attempt_id == second.attempt_id
    assert verdicts(controller) == {first.job_id: ReasonCode.RUBBISH, second.job_id: None}


@pytest.mark.parametrize("features", [FEATURES, ()])
async def test_a_lease_comes_with_the_word_that_a_report_is_committed_where_it_is_heard_there(
    serving: Callable[[int], Serving], features: tuple[str, ...]
) -> None:
    controller = serving(2)
    async with fake_agent(controller.address, fleet_pb2) as agent:
        greeting = replace(hello("phone"), features=features)
        await agent.say(hello=in_words_of(fleet_pb2, greeting))
        assert FREE_BESIDES in (await agent.next("welcome")).features
        first = await agent.lease()
        report = in_words_of(fleet_pb2, measured_report(first.attempt_id, first.job_id))
        await agent.say(report=report, is_free=True)
        answer = await agent.answer("report_committed")
        assert answer.report_committed.attempt_id == first.attempt_id
        assert answer.HasField("lease_besides") is bool(features)
        second = answer.lease_besides if features else await agent.next("lease")
        assert second.job_id not in ("", first.job_id)


async def connected(agent: FakeAgent) -> None:
    """A later version connects, and says more than anybody knows."""
    greeting = in_words_of(future(), hello("phone"))
    greeting.features.extend((*FEATURES, "what-nobody-knows"))
    greeting.profile.runtimes.add(runtime=FUTURE_NUMBER, version="1")
    await agent.say(hello=say_more(greeting))
    await agent.next("welcome")
    await agent.say(future_message=b"what no controller has heard of")


async def test_a_later_version_may_tell_more_than_a_controller_knows(
    serving: Callable[[int], Serving],
) -> None:
    controller, later = serving(1), future()
    async with fake_agent(controller.address, later) as agent:
        await connected(agent)
        await agent.say(ready=say_more(later.Ready()))
        lease = await agent.next("lease")
        beat = later.Heartbeat(held_attempt_ids=[lease.attempt_id])
        await agent.say(heartbeat=say_more(beat))
        for stage in ("STAGE_FUTURE", "STAGE_WAITING"):
            progress = later.Progress(attempt_id=lease.attempt_id, stage=stage)
            progress.waiting_for.code = FUTURE_NUMBER
            await agent.say(progress=say_more(progress))
        report = in_words_of(later, measured_report(lease.attempt_id, lease.job_id))
        await agent.say(report=say_more(report))
        assert (await agent.next("report_committed")).attempt_id == lease.attempt_id
    assert verdicts(controller) == {lease.job_id: None}


async def test_what_no_controller_can_take_is_refused_and_those_behind_it_are_committed(
    serving: Callable[[int], Serving],
) -> None:
    controller, later = serving(4), future()
    refused: dict[str, str] = {}
    async with fake_agent(controller.address, later) as agent:
        await connected(agent)
        for spoil in (new_outcome, new_reason, new_runtime):
            lease = await agent.lease()
            report = spoil(in_words_of(later, measured_report(lease.attempt_id, lease.job_id)))
            await agent.say(report=report)
            refusal = await agent.next("report_refused")
            assert refusal.attempt_id == lease.attempt_id
            refused[lease.job_id] = refusal.why
        lease = await agent.lease()
        stranger = in_words_of(later, measured_report("of-nobody", "j"))
        await agent.say(report=stranger)
        report = measured_report(lease.attempt_id, lease.job_id)
        await agent.say(report=in_words_of(later, report))
        assert (await agent.next("report_refused")).attempt_id == "of-nobody"
        assert (await agent.next("report_committed")).attempt_id == lease.attempt_id
    assert [name in why for name, why in zip(NAMED, refused.values(), strict=True)] == [True] * 3
    rubbish = dict.fromkeys(refused, ReasonCode.RUBBISH)
    assert verdicts(controller) == {**rubbish, lease.job_id: None}


NAMED = ("outcome", f"ReasonCode {FUTURE_NUMBER}", f"Runtime {FUTURE_NUMBER}")


def new_outcome(report: Any) -> Any:
    report.future_outcome = b"what no controller has heard of"
    return report


def new_reason(report: Any) -> Any:
    ours = to_message(failed_report(report.attempt_id, report.job_id), fleet_pb2.Report)
    report = type(report).FromString(ours.SerializeToString())
    report.failure.reasons[0].code = FUTURE_NUMBER
    return report


def new_runtime(report: Any) -> Any:
    report.measured.runtime.runtime = FUTURE_NUMBER
    return report


def verdicts(controller: Serving) -> dict[str, ReasonCode | None]:
    """Every job with what it failed for; None for one that was measured."""
    return {
        each.job_id: each.reasons[0].code if each.verdict is Verdict.FAILED else None
        for each in controller.measurements()
    }

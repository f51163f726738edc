"""A lease that comes to nothing is reported with its reason, and the agent asks for more."""

from pathlib import Path

from agent.artifacts.fetching import FETCHES
from protos.codec import from_message
from protos.fleet import Failure
from protos.reasons import ReasonCode
from protos.v1 import fleet_pb2
from tests.integration.agent.details import detail_of
from tests.integration.agent.link.agent_process import joined, lease
from tests.integration.agent.link.fake_controller import FakeController, serving


async def failure_after(
    controller: FakeController, state: Path, wanted: fleet_pb2.Lease
) -> Failure:
    """How the lease fails; that the agent then asks for more is checked, too."""
    async with joined(controller, state) as (call, _):
        call.lease(wanted)
        report = await call.next("report")
        call.commit(report.attempt_id)
        await call.next("ready")
    assert report.HasField("failure")
    return from_message(report.failure, Failure)


async def test_an_artifact_that_always_comes_with_altered_bytes_is_refused(
    tmp_path: Path, content: bytes
) -> None:
    async with serving(FakeController()) as controller:
        sha256 = controller.store(content)
        controller.artifacts[sha256] = content[:-1] + bytes([content[-1] ^ 1])
        failure = await failure_after(controller, tmp_path, lease(sha256, len(content)))
        assert controller.fetches == [0] * FETCHES
    assert failure.code is ReasonCode.ARTIFACT_DAMAGED
    assert "other bytes" in detail_of(failure)
    assert list((tmp_path / "artifacts").iterdir()) == []


async def test_an_artifact_that_is_shorter_than_promised_is_refused(
    tmp_path: Path, content: bytes
) -> None:
    async with serving(FakeController()) as controller:
        sha256 = controller.store(content)
        failure = await failure_after(controller, tmp_path, lease(sha256, len(content) + 1))
    assert failure.code is ReasonCode.ARTIFACT_DAMAGED
    assert f" {len(content)} of {len(content) + 1} bytes" in detail_of(failure)


async def test_an_artifact_that_is_damaged_where_it_comes_from_is_complained_of_at_once(
    tmp_path: Path, content: bytes
) -> None:
    async with serving(FakeController()) as controller:
        sha256 = controller.store(content)
        controller.damaged = True
        failure = await failure_after(controller, tmp_path, lease(sha256, len(content)))
        assert controller.fetches == [0]
    assert failure.code is ReasonCode.ARTIFACT_DAMAGED
    assert list((tmp_path / "artifacts").iterdir()) == []


async def test_an_artifact_that_the_controller_does_not_have(tmp_path: Path) -> None:
    async with serving(FakeController()) as controller:
        failure = await failure_after(controller, tmp_path, lease("0" * 64, 10))
    assert failure.code is ReasonCode.ARTIFACT_BROKEN
    assert "no such artifact" in detail_of(failure)


async def test_threads_that_the_device_lacks_are_refused_before_anything_is_fetched(
    tmp_path: Path, content: bytes
) -> None:
    async with serving(FakeController()) as controller:
        wanted = lease(controller.store(content), len(content), threads=4_096)
        failure = await failure_after(controller, tmp_path, wanted)
    assert failure.code is ReasonCode.RUNTIME_ERROR
    assert "threads" in detail_of(failure)
    assert controller.fetches == []


async def test_a_lease_of_a_runtime_that_this_version_does_not_know_is_refused(
    tmp_path: Path, content: bytes
) -> None:
    async with serving(FakeController()) as controller:
        wanted = lease(controller.store(content), len(content))
        wanted.settings.ClearField("runtime")
        failure = await failure_after(controller, tmp_path, wanted)
    assert failure.code is ReasonCode.RUNTIME_ERROR
    assert "same edgerank version" in detail_of(failure)

"""A whole agent process against a controller that speaks the real contract."""

import os
from pathlib import Path

import pytest

from agent.runtimes import available_runtimes
from protos.codec import to_message
from protos.runtimes import Runtime
from protos.v1 import fleet_pb2, types_pb2
from tests.integration.agent.link.agent_process import agent_process, joined, lease
from tests.integration.agent.link.fake_controller import FakeController, serving
from tests.integration.agent.networks import Artifacts, takes
from tests.processes.ports import kept_port


async def test_an_agent_says_what_it_is(tmp_path: Path) -> None:
    async with (
        serving(FakeController()) as controller,
        agent_process(
            controller.port, tmp_path, "--name", "shelf-3", "--label", "room=lab"
        ) as process,
    ):
        hello = (await controller.next_call()).hello
        assert process.stdout is not None
        line = (await process.stdout.readline()).decode()
    assert hello.name == "shelf-3"
    assert dict(hello.labels) == {"room": "lab"}
    assert hello.device_id == (tmp_path / "device_id").read_text().strip()
    assert hello.profile.logical_cores == os.cpu_count()
    assert len(hello.profile.runtimes) == len(Runtime)
    assert all(each.build for each in hello.profile.runtimes)
    listed = ", ".join(f"{each.runtime.value} {each.version}" for each in available_runtimes())
    assert line == f"connected to 127.0.0.1:{controller.port} as shelf-3 ({listed})\n"


@pytest.mark.parametrize("runtime", Runtime, ids=lambda each: each.value)
async def test_a_lease_is_fetched_measured_reported_and_forgotten(
    tmp_path: Path, artifacts: Artifacts, runtime: Runtime
) -> None:
    content = artifacts.path("tiny", runtime).read_bytes()
    async with serving(FakeController()) as controller:
        sha256 = controller.store(content)
        async with joined(controller, tmp_path) as (call, _):
            call.lease(lease(sha256, len(content), runtime=runtime))
            stages = [(await call.next("progress")).stage for _ in range(2)]
            report = await call.next("report")
            call.commit(report.attempt_id)
            while (await call.next("heartbeat")).held_attempt_ids:
                pass
        assert stages == [fleet_pb2.STAGE_FETCHING, fleet_pb2.STAGE_MEASURING]
        assert (report.attempt_id, report.job_id) == ("attempt-1", "job-1")
        assert report.started_at_unix_ms <= report.ended_at_unix_ms
        assert len(report.measured.repetition.latency_ns) >= 30

        # Committed and forgotten: the next life has nothing to say of it.
        async with joined(controller, tmp_path) as (call, _):
            assert list(call.hello.held_attempt_ids) == []
            # Fetched once: the next lease of the artifact finds it in the cache.
            call.lease(lease(sha256, len(content), attempt_id="attempt-2", runtime=runtime))
            assert (await call.next("report")).HasField("measured")
        assert controller.fetches == [0]


@pytest.mark.parametrize("runtime", Runtime, ids=lambda each: each.value)
async def test_what_its_outputs_are_compared_with_is_fetched_once_too(
    tmp_path: Path, artifacts: Artifacts, runtime: Runtime
) -> None:
    content = artifacts.path("tiny", runtime).read_bytes()
    reference = artifacts.reference("tiny").read_bytes()
    async with serving(FakeController()) as controller:
        sha256 = controller.store(content)
        controller.store(reference)
        async with joined(controller, tmp_path) as (call, _):
            for attempt_id in ("attempt-1", "attempt-2"):
                call.lease(
                    lease(
                        sha256,
                        len(content),
                        attempt_id=attempt_id,
                        runtime=runtime,
                        reference=reference,
                    )
                )
                report = await call.next("report")
                assert report.measured.repetition.output_check.input_count == 4
                assert report.measured.repetition.output_check.max_relative_difference < 1e-5
                call.commit(report.attempt_id)
        assert controller.fetches == [0, 0]


async def test_without_it_nothing_is_measured(tmp_path: Path, content: bytes) -> None:
    async with serving(FakeController()) as controller:
        sha256 = controller.store(content)
        async with joined(controller, tmp_path) as (call, _):
            call.lease(lease(sha256, len(content), reference=b"that the controller does not have"))
            (why,) = (await call.next("report")).failure.reasons
    assert why.code == types_pb2.REASON_CODE_ARTIFACT_BROKEN


async def test_an_artifact_that_comes_altered_is_fetched_anew_and_measured(
    tmp_path: Path, content: bytes
) -> None:
    async with serving(FakeController()) as controller:
        sha256 = controller.store(content)
        controller.altered_fetches = 1
        async with joined(controller, tmp_path) as (call, _):
            call.lease(lease(sha256, len(content)))
            assert (await call.next("report")).HasField("measured")
        assert controller.fetches == [0, 0]


async def test_heartbeats_go_on_while_it_measures(tmp_path: Path, content: bytes) -> None:
    async with serving(FakeController()) as controller:
        sha256 = controller.store(content)
        async with joined(controller, tmp_path) as (call, _):
            call.lease(lease(sha256, len(content)))
            held: list[str] = []
            while not held:
                held = list((await call.next("heartbeat")).held_attempt_ids)
            assert held == ["attempt-1"]


async def test_a_report_is_repeated_after_every_reconnect_until_it_is_committed(
    tmp_path: Path, content: bytes
) -> None:
    async with serving(FakeController()) as controller:
        sha256 = controller.store(content)
        async with joined(controller, tmp_path) as (call, _):
            call.lease(lease(sha256, len(content)))
            first = await call.next("report")
            call.hang_up()
            second_call = await controller.next_call()
            assert list(second_call.hello.held_attempt_ids) == ["attempt-1"]
            assert await second_call.next("report") == first
            second_call.hang_up()
            third_call = await controller.next_call()
            assert await third_call.next("report") == first
            third_call.commit("attempt-1")
            while (await third_call.next("heartbeat")).held_attempt_ids:
                pass
            third_call.hang_up()
            assert list((await controller.next_call()).hello.held_attempt_ids) == []


async def test_a_stream_that_breaks_does_not_end_the_measurement(
    tmp_path: Path, content: bytes
) -> None:
    async with serving(FakeController()) as controller:
        sha256 = controller.store(content)
        async with joined(controller, tmp_path) as (call, _):
            call.lease(lease(sha256, len(content)))
            while (await call.next("progress")).stage != fleet_pb2.STAGE_MEASURING:
                pass
            call.hang_up()
            next_call = await controller.next_call()
            assert list(next_call.hello.held_attempt_ids) == ["attempt-1"]
            assert (await next_call.next("report")).HasField("measured")
            assert controller.calls.empty()


async def test_a_report_survives_an_agent_that_is_killed(tmp_path: Path, content: bytes) -> None:
    async with serving(FakeController()) as controller:
        sha256 = controller.store(content)
        async with joined(controller, tmp_path) as (call, process):
            call.lease(lease(sha256, len(content)))
            first = await call.next("report")
            process.kill()
            await process.wait()
        async with agent_process(controller.port, tmp_path, "--name", "shelf-3"):
            call = await controller.next_call()
            assert await call.next("report") == first


async def test_an_agent_waits_for_a_controller_that_restarts(
    tmp_path: Path, content: bytes
) -> None:
    with kept_port() as port:
        async with serving(FakeController(), port) as before:
            process_context = agent_process(port, tmp_path)
            process = await process_context.__aenter__()
            await (await before.next_call()).next("ready")
        try:
            # Until it says that it dials again, the agent may not have noticed.
            assert process.stderr is not None
            while b"dialling again" not in await process.stderr.readline():
                assert process.returncode is None
            async with serving(FakeController(), port) as after:
                sha256 = after.store(content)
                call = await after.next_call()
                await call.next("ready")
                call.lease(lease(sha256, len(content)))
                assert (await call.next("report")).HasField("measured")
        finally:
            await process_context.__aexit__(None, None, None)


async def test_a_transfer_that_is_cut_is_resumed_where_it_broke(
    tmp_path: Path, artifacts: Artifacts
) -> None:
    content = artifacts.path("wide", Runtime.ONNXRUNTIME).read_bytes()
    async with serving(FakeController()) as controller:
        sha256 = controller.store(content)
        controller.cuts_bytes = [1_000_000, 0, 2_000_000]
        async with joined(controller, tmp_path) as (call, _):
            wide = lease(sha256, len(content))
            wide.settings.takes.CopyFrom(to_message(takes("wide"), types_pb2.NetworkInput))
            call.lease(wide)
            assert (await call.next("report")).HasField("measured")
    # What was on its way when the transfer broke may be lost, what had arrived is not.
    assert len(controller.fetches) == 4
    assert controller.fetches[0] == 0 < controller.fetches[-1]
    assert controller.fetches == sorted(controller.fetches)

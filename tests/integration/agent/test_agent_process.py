"""A whole agent process against a controller that speaks the real contract."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import pytest

from agent.runtimes import available_runtimes
from protos.runtimes import Runtime
from protos.v1 import fleet_pb2, types_pb2
from tests.integration.agent.fake_controller import AgentCall, FakeController, serving
from tests.integration.agent.networks import SHAPES, Artifacts

AGENT = (sys.executable, "-c", "from agent.command import agent; agent(prog_name='edgerank agent')")
RUNTIMES = {
    Runtime.ONNXRUNTIME: types_pb2.RUNTIME_ONNXRUNTIME,
    Runtime.PADDLELITE: types_pb2.RUNTIME_PADDLELITE,
}


def lease(
    sha256: str,
    size_bytes: int,
    *,
    attempt_id: str = "attempt-1",
    runtime: Runtime = Runtime.ONNXRUNTIME,
    threads: int = 1,
    time_budget_ms: int = 2_000,
) -> fleet_pb2.Lease:
    return fleet_pb2.Lease(
        attempt_id=attempt_id,
        job_id="job-1",
        artifact_sha256=sha256,
        artifact_size_bytes=size_bytes,
        backbone="tiny",
        settings=types_pb2.MeasureSettings(
            runtime=RUNTIMES[runtime],
            threads=threads,
            relative_half_width=0.5,
            time_budget_ms=time_budget_ms,
            input_shape=SHAPES["tiny"],
            input_seed=1,
        ),
    )


@asynccontextmanager
async def agent_process(
    port: int, state: Path, *options: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *AGENT,
        *("--controller", f"127.0.0.1:{port}", "--state", str(state), *options),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@asynccontextmanager
async def joined(
    controller: FakeController, state: Path
) -> AsyncIterator[tuple[AgentCall, asyncio.subprocess.Process]]:
    """An agent that has said Hello and asked for work."""
    async with agent_process(controller.port, state, "--name", "shelf-3") as process:
        call = await controller.next_call()
        await call.next("ready")
        yield call, process


@pytest.fixture
def content(artifacts: Artifacts) -> bytes:
    return artifacts.path("tiny", Runtime.ONNXRUNTIME).read_bytes()


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
    async with serving(FakeController()) as before:
        port = before.port
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
            wide.settings.input_shape[:] = SHAPES["wide"]
            call.lease(wide)
            assert (await call.next("report")).HasField("measured")
    # What was on its way when the transfer broke may be lost, what had arrived is not.
    assert len(controller.fetches) == 4
    assert controller.fetches[0] == 0 < controller.fetches[-1]
    assert controller.fetches == sorted(controller.fetches)


async def failure_after(
    controller: FakeController, state: Path, wanted: fleet_pb2.Lease
) -> fleet_pb2.Failure:
    """How the lease fails; that the agent then asks for more is checked, too."""
    async with joined(controller, state) as (call, _):
        call.lease(wanted)
        report = await call.next("report")
        call.commit(report.attempt_id)
        await call.next("ready")
    assert report.HasField("failure")
    assert "\n" not in report.failure.detail
    failure: fleet_pb2.Failure = report.failure
    return failure


async def test_an_artifact_with_altered_bytes_is_refused(tmp_path: Path, content: bytes) -> None:
    async with serving(FakeController()) as controller:
        sha256 = controller.store(content)
        controller.artifacts[sha256] = content[:-1] + bytes([content[-1] ^ 1])
        failure = await failure_after(controller, tmp_path, lease(sha256, len(content)))
    assert failure.reason == fleet_pb2.FAILURE_REASON_ARTIFACT
    assert "arrived with other bytes" in failure.detail
    assert list((tmp_path / "artifacts").iterdir()) == []


async def test_an_artifact_that_is_shorter_than_promised_is_refused(
    tmp_path: Path, content: bytes
) -> None:
    async with serving(FakeController()) as controller:
        sha256 = controller.store(content)
        failure = await failure_after(controller, tmp_path, lease(sha256, len(content) + 1))
    assert failure.reason == fleet_pb2.FAILURE_REASON_ARTIFACT
    assert f"ended after {len(content)} of {len(content) + 1} bytes" in failure.detail


async def test_an_artifact_that_the_controller_does_not_have(tmp_path: Path) -> None:
    async with serving(FakeController()) as controller:
        failure = await failure_after(controller, tmp_path, lease("0" * 64, 10))
    assert failure.reason == fleet_pb2.FAILURE_REASON_ARTIFACT
    assert "no such artifact" in failure.detail


async def test_threads_that_the_device_lacks_are_refused_before_anything_is_fetched(
    tmp_path: Path, content: bytes
) -> None:
    async with serving(FakeController()) as controller:
        wanted = lease(controller.store(content), len(content), threads=4_096)
        failure = await failure_after(controller, tmp_path, wanted)
    assert failure.reason == fleet_pb2.FAILURE_REASON_RUNTIME_ERROR
    assert controller.fetches == []


async def test_a_lease_of_a_runtime_that_this_version_does_not_know_is_refused(
    tmp_path: Path, content: bytes
) -> None:
    async with serving(FakeController()) as controller:
        wanted = lease(controller.store(content), len(content))
        wanted.settings.ClearField("runtime")
        failure = await failure_after(controller, tmp_path, wanted)
    assert "use the same edgerank version on both sides" in failure.detail


async def test_cancel_ends_the_measurement_with_a_report(tmp_path: Path, content: bytes) -> None:
    async with serving(FakeController()) as controller:
        sha256 = controller.store(content)
        async with joined(controller, tmp_path) as (call, _):
            endless = lease(sha256, len(content))
            endless.settings.sustained_minutes = 60
            call.lease(endless)
            while (await call.next("progress")).stage != fleet_pb2.STAGE_MEASURING:
                pass
            call.answer(cancel=fleet_pb2.Cancel(attempt_id="attempt-1"))
            report = await call.next("report")
            assert report.failure.reason == fleet_pb2.FAILURE_REASON_CANCELLED


@pytest.mark.parametrize("with_signal", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_the_agent_cleanly_while_it_measures(
    tmp_path: Path, content: bytes, with_signal: signal.Signals
) -> None:
    async with serving(FakeController()) as controller:
        sha256 = controller.store(content)
        async with joined(controller, tmp_path) as (call, process):
            endless = lease(sha256, len(content))
            endless.settings.sustained_minutes = 60
            call.lease(endless)
            while (await call.next("progress")).stage != fleet_pb2.STAGE_MEASURING:
                pass
            process.send_signal(with_signal)
            assert await process.wait() == 0
            assert process.stderr is not None
            assert b"Traceback" not in await process.stderr.read()


async def ending_of(process: asyncio.subprocess.Process) -> tuple[int, str]:
    _, stderr = await process.communicate()
    assert process.returncode is not None
    assert b"Traceback" not in stderr
    return process.returncode, stderr.decode().splitlines()[-1]


async def test_a_name_that_is_taken_ends_the_agent(tmp_path: Path) -> None:
    controller = FakeController()
    controller.refuse_with = grpc.StatusCode.ALREADY_EXISTS
    async with serving(controller), agent_process(controller.port, tmp_path) as process:
        code, sentence = await ending_of(process)
    assert code == 2
    assert "refused this agent: the name" in sentence


async def test_an_address_that_nobody_listens_on_ends_the_agent(tmp_path: Path) -> None:
    async with serving(FakeController()) as gone:
        port = gone.port
    async with agent_process(port, tmp_path, "--connect-timeout", "0.5") as process:
        code, sentence = await ending_of(process)
    assert code == 4
    assert sentence.startswith(f"Error: no controller answered at 127.0.0.1:{port} within 0.5 s")


async def test_a_server_that_is_no_controller_ends_the_agent(tmp_path: Path) -> None:
    server = grpc.aio.server()
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with agent_process(port, tmp_path) as process:
        code, sentence = await ending_of(process)
    await server.stop(None)
    assert code == 2
    assert f"what answers at 127.0.0.1:{port} is no edgerank controller" in sentence


async def test_two_agents_do_not_share_a_state_folder(tmp_path: Path) -> None:
    async with (
        serving(FakeController()) as controller,
        joined(controller, tmp_path),
        agent_process(controller.port, tmp_path) as second,
    ):
        code, sentence = await ending_of(second)
    assert code == 4
    assert sentence.startswith(f"Error: another agent runs with the state folder {tmp_path}")

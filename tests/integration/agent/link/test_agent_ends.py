"""What ends a measurement or an agent ends it cleanly, from wherever it comes."""

import asyncio
import signal
import socket
from pathlib import Path

import grpc
import pytest

from agent.link.kept.spool import Spool
from protos.codec import from_message
from protos.fleet import Failure
from protos.reasons import ReasonCode
from protos.v1 import fleet_pb2, types_pb2
from tests.integration.agent.link.agent_process import (
    AgentProcess,
    agent_process,
    joined,
    lease,
)
from tests.integration.agent.link.fake_controller import FakeController, serving

HOUR_MS = 3_600_000


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
            assert from_message(report.failure, Failure).code is ReasonCode.ATTEMPT_CANCELLED


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
            assert (await call.next("give_back")).attempt_id == "attempt-1"
            await ended_cleanly(process)
            assert reports_kept(tmp_path) == ()


async def test_a_signal_ends_it_while_it_fetches_and_no_job_fails_for_it(
    tmp_path: Path, content: bytes
) -> None:
    controller = FakeController()
    controller.holds_fetches = True
    async with serving(controller):
        sha256 = controller.store(content)
        async with joined(controller, tmp_path) as (call, process):
            call.lease(lease(sha256, len(content)))
            await controller.held.wait()
            process.send_signal(signal.SIGTERM)
            assert (await call.next("give_back")).attempt_id == "attempt-1"
            await ended_cleanly(process)
            assert reports_kept(tmp_path) == ()


async def test_a_signal_ends_it_while_it_waits_for_the_device_to_be_ready(
    tmp_path: Path, content: bytes
) -> None:
    async with serving(FakeController()) as controller:
        wanted = lease(controller.store(content), len(content))
        wanted.settings.gate.CopyFrom(
            types_pb2.StartGate(max_load_by_others=-1, deadline_ms=HOUR_MS)
        )
        async with joined(controller, tmp_path) as (call, process):
            call.lease(wanted)
            while (await call.next("progress")).stage != fleet_pb2.STAGE_WAITING:
                pass
            process.send_signal(signal.SIGTERM)
            assert (await call.next("give_back")).attempt_id == "attempt-1"
            await ended_cleanly(process)
            assert reports_kept(tmp_path) == ()


async def test_a_signal_ends_it_while_its_report_is_not_committed_and_keeps_that(
    tmp_path: Path, content: bytes
) -> None:
    async with serving(FakeController()) as controller:
        sha256 = controller.store(content)
        async with joined(controller, tmp_path) as (call, process):
            call.lease(lease(sha256, len(content)))
            assert (await call.next("report")).attempt_id == "attempt-1"
            process.send_signal(signal.SIGTERM)
            await ended_cleanly(process)
            assert reports_kept(tmp_path) == ("attempt-1",)


async def test_and_while_nobody_answers_it(tmp_path: Path) -> None:
    async with serving(FakeController()) as controller, joined(controller, tmp_path) as agent:
        call, process = agent
        call.hang_up()
        process.send_signal(signal.SIGTERM)
        await ended_cleanly(process)


async def ended_cleanly(process: AgentProcess) -> None:
    assert await asyncio.wait_for(process.wait(), 30) == 0
    assert process.stderr is not None
    assert b"Traceback" not in await process.stderr.read()


def reports_kept(state: Path) -> tuple[str, ...]:
    spool = Spool(state / "spool.sqlite")
    kept = spool.pending()
    spool.close()
    return kept


async def ending_of(process: AgentProcess) -> tuple[int, str]:
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
    assert "refused this agent" in sentence
    assert " is taken" in sentence


async def test_an_address_that_nobody_listens_on_ends_the_agent(tmp_path: Path) -> None:
    # Bound, so that nobody else comes to listen there.
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
        async with agent_process(port, tmp_path, "--connect-timeout", "0.5") as process:
            code, sentence = await ending_of(process)
    assert code == 4
    assert sentence.startswith("error: no controller")
    assert f" 127.0.0.1:{port} within 0.5 s:" in sentence


async def test_a_server_that_is_no_controller_ends_the_agent(tmp_path: Path) -> None:
    server = grpc.aio.server()
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with agent_process(port, tmp_path) as process:
        code, sentence = await ending_of(process)
    await server.stop(None)
    assert code == 2
    assert f" 127.0.0.1:{port} is no edgerank" in sentence


async def test_two_agents_do_not_share_a_state_folder(tmp_path: Path) -> None:
    async with (
        serving(FakeController()) as controller,
        joined(controller, tmp_path),
        agent_process(controller.port, tmp_path) as second,
    ):
        code, sentence = await ending_of(second)
    assert code == 4
    assert sentence.startswith("error: another agent")
    assert f"{tmp_path}:" in sentence

"""A certificate that is renewed takes the device from nobody, and keeps no agent from ending."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from agent.link.dialling import ControllerRefused
from agent.link.kept.spool import Spool
from agent.link.line import Line
from protos.runtimes import Runtime, RuntimeInfo
from protos.v1 import fleet_pb2
from tests.integration.agent.link.agent_process import lease
from tests.integration.agent.link.connections import connection_over, line_to
from tests.integration.agent.link.fake_controller import AgentCall, FakeController, serving

RUNTIME = RuntimeInfo(
    runtime=Runtime.ONNXRUNTIME, version="1.0", execution_providers=("CPUExecutionProvider",)
)
BROKEN = grpc.aio.AioRpcError(
    grpc.StatusCode.UNAVAILABLE, grpc.aio.Metadata(), grpc.aio.Metadata(), "the link broke"
)


class RenewedLine(Line):
    """A line with a certificate, which it gets anew at once; the rest is real."""

    @property
    def renew_after_s(self) -> float | None:
        return 3_600.0

    async def renew(self) -> None:
        return


class LosingLine(RenewedLine):
    """One whose second renewal fails when it is cancelled, as a call of gRPC may."""

    renewals = 0
    has_begun: asyncio.Event

    async def renew(self) -> None:
        self.renewals += 1
        if self.renewals == 2:
            self.has_begun.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError as error:
                raise BROKEN from error


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    opened = Spool(tmp_path / "spool.sqlite")
    yield opened
    opened.close()


async def ask_to_renew(controller: FakeController) -> AgentCall:
    call = await controller.next_call()
    await call.next("ready")
    call.answer(certificate_due=fleet_pb2.CertificateDue())
    return call


async def test_the_stream_stands_until_the_next_one_is_welcome(
    tmp_path: Path, spool: Spool
) -> None:
    stop = asyncio.Event()
    async with serving(FakeController()) as controller:
        line = line_to(controller, tmp_path, RenewedLine)
        connection = connection_over(line, spool, tmp_path)
        running = asyncio.create_task(connection.run(stop, on_connected=lambda: None))
        older = await ask_to_renew(controller)
        controller.may_welcome.clear()
        newer = await controller.next_call()
        assert newer.hello.run_id == older.hello.run_id
        # Meanwhile it is used on.
        await older.next("heartbeat")
        older.lease(fleet_pb2.Lease(attempt_id="a"))
        assert (await older.next("report")).attempt_id == "a"
        assert not older.has_ended.is_set()
        controller.may_welcome.set()
        assert (await newer.next("report")).attempt_id == "a"
        await older.has_ended.wait()
        newer.commit("a")
        while (await newer.next("heartbeat")).held_attempt_ids:
            pass
        stop.set()
        await running


@pytest.mark.parametrize(
    "code", [grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.UNAUTHENTICATED]
)
async def test_what_was_leased_to_a_device_that_may_not_fetch_any_more_is_given_back(
    tmp_path: Path, spool: Spool, code: grpc.StatusCode
) -> None:
    stop = asyncio.Event()
    controller = FakeController()
    controller.deny_with = code
    async with serving(controller):
        line = line_to(controller, tmp_path)
        connection = connection_over(line, spool, tmp_path, runtimes=(RUNTIME,))
        running = asyncio.create_task(connection.run(stop, on_connected=lambda: None))
        call = await controller.next_call()
        await call.next("ready")
        call.lease(lease(controller.store(b"bytes"), 5))
        assert (await call.next("give_back")).attempt_id == "attempt-1"
        # Only its next greeting can tell why, and what to do.
        await call.has_ended.wait()
        assert spool.pending() == ()
        again = await controller.next_call()
        assert not again.hello.held_attempt_ids
        controller.deny_with = None
        await again.next("ready")
        again.lease(lease("0" * 64, 5))
        assert (await again.next("report")).HasField("failure")
        controller.refuse_with = code
        again.hang_up()
        with pytest.raises(ControllerRefused):
            await running


async def test_a_renewal_that_fails_as_it_is_cancelled_keeps_no_agent_from_ending(
    tmp_path: Path, spool: Spool
) -> None:
    stop = asyncio.Event()
    async with serving(FakeController()) as controller:
        line = line_to(controller, tmp_path, LosingLine)
        assert isinstance(line, LosingLine)
        line.has_begun = asyncio.Event()
        connection = connection_over(line, spool, tmp_path)
        running = asyncio.create_task(connection.run(stop, on_connected=lambda: None))
        await ask_to_renew(controller)
        await line.has_begun.wait()
        stop.set()
        # It would try again after a minute, and after each that follows.
        await asyncio.wait_for(running, 30)
    assert line.renewals == 2

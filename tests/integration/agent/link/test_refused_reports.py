"""A report that nobody takes is set aside on the device, and stops none behind it."""

from pathlib import Path

from agent.link.kept.spool import Spool
from protos.fleet import FEATURES
from protos.v1 import fleet_pb2
from tests.integration.agent.link.agent_process import joined, lease
from tests.integration.agent.link.fake_controller import FakeController, serving


async def test_a_refused_report_is_set_aside_and_the_next_one_committed(
    tmp_path: Path, content: bytes
) -> None:
    async with serving(FakeController()) as controller:
        sha256 = controller.store(content)
        async with joined(controller, tmp_path) as (call, process):
            assert tuple(call.hello.features) == FEATURES
            call.lease(lease(sha256, len(content), attempt_id="attempt-1"))
            refused = await call.next("report")
            await call.next("ready")
            call.lease(lease(sha256, len(content), attempt_id="attempt-2"))
            await call.next("report")
            call.refuse("attempt-1", "no-such-samples")
            held = ["attempt-1"]
            while "attempt-1" in held:
                held = list((await call.next("heartbeat")).held_attempt_ids)
            assert held == ["attempt-2"]
            call.commit("attempt-2")
            while (await call.next("heartbeat")).held_attempt_ids:
                pass
            path = tmp_path / "refused" / "attempt-1.report"
            assert fleet_pb2.Report.FromString(path.read_bytes()) == refused
            assert path.stat().st_mode & 0o077 == 0
            assert process.stderr is not None
            line = b""
            while b"no-such-samples" not in line:
                line = await process.stderr.readline()
                assert line
            assert str(path).encode() in line
            call.hang_up()
            again = await controller.next_call()
            assert list(again.hello.held_attempt_ids) == []
        assert [each.name for each in path.parent.iterdir()] == ["attempt-1.report"]


async def test_a_report_that_spoiled_on_the_disk_is_set_aside_and_given_back(
    tmp_path: Path, content: bytes
) -> None:
    spool = Spool(tmp_path / "spool.sqlite")
    spool.put("attempt-0", b"\xff\xff\xff")
    spool.close()
    async with serving(FakeController()) as controller:
        sha256 = controller.store(content)
        async with joined(controller, tmp_path) as (call, _):
            call.lease(lease(sha256, len(content), attempt_id="attempt-1"))
            assert (await call.next("report")).HasField("measured")
        assert (tmp_path / "refused" / "attempt-0.report").read_bytes() == b"\xff\xff\xff"
        async with joined(controller, tmp_path) as (call, _):
            assert list(call.hello.held_attempt_ids) == ["attempt-1"]

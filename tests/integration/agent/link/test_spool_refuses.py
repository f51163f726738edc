"""A disk that takes no report loses none while the agent lives."""

import asyncio
import sqlite3
from pathlib import Path

from agent.artifacts.cache import ArtifactCache
from agent.link.connection import Connection, Introduction
from agent.link.line import Line
from agent.link.spool import Spool
from agent.measuring.measurer import Measurer
from protos.device import DeviceProfile
from protos.v1 import fleet_pb2, types_pb2
from tests.integration.agent.link.fake_controller import FakeController, serving

# The database's own way to fail every write from now on.
FAIL_EVERY_WRITE = """
CREATE TRIGGER full BEFORE INSERT ON report
BEGIN SELECT RAISE(FAIL, 'database or disk is full'); END
"""


async def test_a_report_that_the_disk_does_not_take_still_arrives(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool.sqlite")
    with sqlite3.connect(tmp_path / "spool.sqlite") as database:
        database.execute(FAIL_EVERY_WRITE)
    stop = asyncio.Event()
    async with serving(FakeController()) as controller:
        connection = Connection(
            line=Line((f"127.0.0.1:{controller.port}",), None, tmp_path, lambda: 1),
            introduction=Introduction(
                device_id="d", name="n", labels={}, profile=DeviceProfile(architecture="x86_64")
            ),
            measurer=Measurer(runtimes=()),
            cache=ArtifactCache(tmp_path / "artifacts", limit_bytes=10**9),
            spool=spool,
            now_unix_ms=lambda: 1,
        )
        running = asyncio.create_task(connection.run(stop, on_connected=lambda: None))
        call = await controller.next_call()
        call.lease(
            fleet_pb2.Lease(
                attempt_id="a",
                settings=types_pb2.MeasureSettings(
                    runtime=types_pb2.RUNTIME_ONNXRUNTIME, threads=1
                ),
            )
        )
        assert (await call.next("report")).attempt_id == "a"
        call.hang_up()
        next_call = await controller.next_call()
        assert (await next_call.next("report")).attempt_id == "a"
        next_call.commit("a")
        while (await next_call.next("heartbeat")).held_attempt_ids:
            pass
        stop.set()
        await running
    spool.close()

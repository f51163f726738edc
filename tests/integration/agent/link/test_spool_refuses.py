"""A disk that takes no report loses none while the agent lives."""

import asyncio
import sqlite3
from pathlib import Path

from agent.link.kept.spool import Spool
from protos.v1 import fleet_pb2, types_pb2
from tests.integration.agent.link.connections import connection_over, line_to
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
        connection = connection_over(line_to(controller, tmp_path), spool, tmp_path)
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

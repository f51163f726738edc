"""Reports that come at once are worked on while there is room for their bytes, and none is lost."""

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

import grpc

from protos.codec import to_message
from protos.fleet import Measured, Report
from protos.v1 import fleet_pb2, fleet_pb2_grpc
from tests.integration.access.conftest import status_of
from tests.integration.bounds.conftest import (
    answer_of,
    limited_controller,
    own_channel,
    process_of,
)
from tests.integration.controller.domain_samples import RUNTIME, hello, measured_report
from tests.measured import repetition_of

DEVICES: Final = 24
# Two bytes each where they come, and forty once they are decoded: 9 MB a report.
SAMPLES: Final = tuple(range(300, 16_300, 80)) * 1_000
ROOM: Final = (20_000_000, 40_000_000)
GROWN_BYTES: Final = 120_000_000
# So long that it is decoded by the thread that decodes reports.
NO_GREETING: Final = fleet_pb2.ConnectRequest(progress=fleet_pb2.Progress(attempt_id="x" * 20_000))


def long_report(name: str) -> Report:
    repetition = repetition_of(SAMPLES)
    measured = Measured(runtime=RUNTIME, repetition=repetition, affinity=(0,))
    return replace(measured_report(f"of-{name}", "j"), measured=measured)


class Device:
    """One that is welcomed, reports once it may, and hears what becomes of that.

    Attributes:
        is_welcome: set once it is, or has ended.
        may_report: to be set.
        has_said: set once its report has come there, or it has ended.
    """

    def __init__(self, address: str, name: str, report: Report) -> None:
        self._address = address
        self._hello = fleet_pb2.ConnectRequest(hello=to_message(hello(name), fleet_pb2.Hello))
        self._report = fleet_pb2.ConnectRequest(report=to_message(report, fleet_pb2.Report))
        self.is_welcome, self.may_report, self.has_said = (threading.Event() for _ in range(3))

    def committed(self) -> str:
        """The attempt of which it is told that its report is committed."""
        is_told = threading.Event()

        with own_channel(self._address) as channel:
            agent = fleet_pb2_grpc.FleetStub(channel)

            def says() -> Iterator[fleet_pb2.ConnectRequest]:
                yield self._hello
                self.may_report.wait(300)
                yield self._report
                # It is asked for behind the report, and answered once that is there.
                unknown = fleet_pb2.FetchArtifactRequest(sha256="0" * 64)
                answer_of(lambda: list(agent.FetchArtifact(unknown, timeout=300)))
                self.has_said.set()
                is_told.wait(300)

            try:
                for answer in agent.Connect(says(), timeout=300):
                    self.is_welcome.set()
                    if answer.WhichOneof("message") == "report_committed":
                        return answer.report_committed.attempt_id
            finally:
                for each in (is_told, self.is_welcome, self.has_said):
                    each.set()
        raise AssertionError("the stream ended without a word")


@contextmanager
def reporting(folder: Path, address: str, devices: Sequence[Device]) -> Iterator[list[Future[str]]]:
    """All of them report at once, while somebody else holds the database; until it ends."""
    database = sqlite3.connect(folder / "controller" / "controller.sqlite", timeout=60)
    with ThreadPoolExecutor(len(devices)) as pool, closing(database):
        told = [pool.submit(each.committed) for each in devices]
        for each in devices:
            assert each.is_welcome.wait(300)
        database.execute("BEGIN IMMEDIATE")
        for each in devices:
            each.may_report.set()
            assert each.has_said.wait(300)
        # All that has room is decoded: behind it is what somebody else says.
        assert refused_greeting(address) is grpc.StatusCode.INVALID_ARGUMENT
        yield told
        database.rollback()


def refused_greeting(address: str) -> grpc.StatusCode:
    """What somebody is answered who does not greet."""
    with own_channel(address) as channel:
        agent = fleet_pb2_grpc.FleetStub(channel)
        return answer_of(lambda: list(agent.Connect(iter([NO_GREETING]), timeout=300)))


def test_reports_of_many_devices_wait_outside_and_all_are_committed(tmp_path: Path) -> None:
    names = [f"device-{number}" for number in range(DEVICES)]
    with limited_controller(tmp_path, reports_bytes=ROOM) as (controller, address):
        process = process_of(controller)
        devices = [Device(address, name, long_report(name)) for name in names]
        before_bytes = process.memory_info().rss
        with reporting(tmp_path, address, devices) as told:
            grown_bytes = process.memory_info().rss - before_bytes
        assert [each.result() for each in told] == [f"of-{name}" for name in names]
    assert grown_bytes < GROWN_BYTES


def test_where_too_much_waits_who_brings_most_is_refused_and_others_are_heard(
    tmp_path: Path,
) -> None:
    limits = {"reports_bytes": (10_000_000, 10_000_000), "reports_waiting_bytes": 1_000_000}
    with limited_controller(tmp_path, **limits) as (_controller, address):
        greedy = [Device(address, f"greedy-{each}", long_report(f"g{each}")) for each in range(5)]
        honest = Device(address, "honest", measured_report("of-honest", "j"))
        with reporting(tmp_path, address, [*greedy, honest]) as told:
            pass
        *others, heard = told
        assert heard.result() == "of-honest"
        refused = [error for each in others if (error := each.exception()) is not None]
    # One has its room, and two wait.
    assert len(refused) == 2
    for error in refused:
        assert isinstance(error, grpc.RpcError)
        assert status_of(error) is grpc.StatusCode.RESOURCE_EXHAUSTED

"""Agents that greet at once are let in by turns, and told so; nobody dials again for it."""

import queue
import signal
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

import grpc

from protos.codec import to_message
from protos.v1 import fleet_pb2, fleet_pb2_grpc, query_pb2, query_pb2_grpc
from tests.integration.access.conftest import status_of
from tests.integration.bounds.conftest import limited_controller, own_channel
from tests.integration.controller.domain_samples import hello
from tests.processes import running, running_controller

# As after a night without a controller.
HELD: Final = tuple(f"attempt-{number:040}" for number in range(900))
LONG_BYTES: Final = 45_000


@contextmanager
def nothing_is_written(folder: Path) -> Iterator[None]:
    """As long as somebody else writes, a controller greets nobody to the end."""
    database = sqlite3.connect(folder / "controller" / "controller.sqlite", isolation_level=None)
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        database.execute("ROLLBACK")
        database.close()


class Greeter:
    """An agent that has said Hello, and what it hears."""

    def __init__(
        self,
        address: str,
        name: str,
        heard: "queue.Queue[tuple[str, str]]",
        held: tuple[str, ...] = (),
    ) -> None:
        self._channel = own_channel(address)
        self._over = threading.Event()
        self._call = fleet_pb2_grpc.FleetStub(self._channel).Connect(self._says(name, held))
        self._hearing = threading.Thread(target=self._hear, args=(name, heard))
        self._hearing.start()

    def end(self) -> None:
        self._over.set()
        self._call.cancel()
        self._hearing.join()
        self._channel.close()

    def _says(self, name: str, held: tuple[str, ...]) -> Iterator[fleet_pb2.ConnectRequest]:
        said = replace(hello(name), held_attempt_ids=held)
        yield fleet_pb2.ConnectRequest(hello=to_message(said, fleet_pb2.Hello))
        self._over.wait()

    def _hear(self, name: str, heard: "queue.Queue[tuple[str, str]]") -> None:
        try:
            for said in self._call:
                heard.put((name, str(said.WhichOneof("message"))))
        except grpc.RpcError as error:
            heard.put((name, status_of(error).name))


def test_who_has_to_wait_is_told_and_waits_on_the_stream_that_it_has(tmp_path: Path) -> None:
    heard: queue.Queue[tuple[str, str]] = queue.Queue()
    state = str(tmp_path / "agent")
    with (
        limited_controller(tmp_path, greetings_at_once=1) as (_controller, address),
        ExitStack() as held,
    ):
        with nothing_is_written(tmp_path):
            for name in ("phone", "board"):
                held.callback(Greeter(address, name, heard).end)
            # One is let in, the other stands in line.
            assert heard.get(timeout=60)[1] == "in_line"
            arguments = ("agent", "--controller", address, "--name", "pc", "--state", state)
            agent = held.enter_context(running(*arguments))
            agent.output.wait_for("others are welcomed first")
        agent.output.wait_for("connected to .* as pc")
        assert not [line for line in agent.output.lines if "dialling again" in line]
        said = [heard.get(timeout=60) for _ in ("phone", "board")]
        while len(welcomed := {name for name, kind in said if kind == "welcome"}) < 2:
            said.append(heard.get(timeout=60))
        assert welcomed == {"phone", "board"}


def test_long_greetings_that_find_no_room_in_the_line_come_again_and_short_ones_stand_in_it(
    tmp_path: Path,
) -> None:
    heard: queue.Queue[tuple[str, str]] = queue.Queue()
    room = (LONG_BYTES + 10_000, LONG_BYTES + 10_000)
    limits = {"greetings_at_once": 1, "greetings_bytes": room}
    with limited_controller(tmp_path, **limits) as (_controller, address), ExitStack() as held:
        with nothing_is_written(tmp_path):
            for name in ("long", "longer"):
                held.callback(Greeter(address, name, heard, HELD).end)
            # One is let in or stands in line.
            assert heard.get(timeout=60)[1] == "RESOURCE_EXHAUSTED"
            held.callback(Greeter(address, "short", heard).end)
            assert heard.get(timeout=60) == ("short", "in_line")
        welcomed = {heard.get(timeout=60) for _ in range(2)} - {("short", "in_line")}
        assert ("short", "welcome") in welcomed
        # There is room again.
        held.callback(Greeter(address, "late", heard, HELD).end)
        while (said := heard.get(timeout=60)) != ("late", "welcome"):
            assert said[1] != "RESOURCE_EXHAUSTED"


def test_calls_that_come_while_a_controller_stands_still_are_all_answered(tmp_path: Path) -> None:
    connections, calls_each = 12, 100
    with running_controller(tmp_path) as (controller, address), ExitStack() as held:
        stubs = []
        for _ in range(connections):
            channel = held.enter_context(own_channel(address))
            grpc.channel_ready_future(channel).result(timeout=60)
            stubs.append(query_pb2_grpc.QueryStub(channel))
        controller.process.send_signal(signal.SIGSTOP)
        try:
            calls = [
                stub.ListSweeps.future(query_pb2.ListSweepsRequest(), timeout=300)
                for stub in stubs
                for _ in range(calls_each)
            ]
        finally:
            controller.process.send_signal(signal.SIGCONT)
        assert {call.code() for call in calls} == {grpc.StatusCode.OK}

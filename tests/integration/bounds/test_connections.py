"""Connections of who says nothing end by themselves, and keep nobody out."""

import resource
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import psutil
import pytest

from protos.v1 import query_pb2, query_pb2_grpc
from tests.integration.bounds.conftest import (
    answer_of,
    half_a_handshake,
    limited_controller,
    limited_guarded,
    own_channel,
    process_of,
    retried_until,
)

SILENT = 1_100
UNKNOWN = grpc.StatusCode.UNAUTHENTICATED
# What a client of HTTP/2 says first, and its settings.
GREETING = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
# Of those that a controller takes and lets go by itself.
SPARE_DESCRIPTORS, SPARE_THREADS = 16, 16


@pytest.fixture(autouse=True)
def enough_descriptors() -> Iterator[None]:
    """This process holds the other ends."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4 * SILENT), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@contextmanager
def silent(address: str, count: int, greeting: bytes) -> Iterator[None]:
    """So many connections that say no more than this."""
    host, _, port = address.rpartition(":")
    with ExitStack() as held:
        for _ in range(count):
            connection = held.enter_context(socket.create_connection((host, int(port)), 60))
            # Those beyond what there is room for are closed at once.
            try:
                connection.sendall(greeting)
            except OSError:
                continue
        yield


@contextmanager
def half_open_calls(address: str, count: int) -> Iterator[None]:
    """So many calls of which only the header comes."""
    never = threading.Event()

    def says_nothing() -> Iterator[bytes]:
        never.wait(600)
        yield b""

    with own_channel(address) as channel:
        method: Any = channel.stream_stream("/edgerank.v1.Query/ListDevices")
        calls = [method(says_nothing(), timeout=600) for _ in range(count)]
        try:
            yield
        finally:
            never.set()
            for call in calls:
                call.cancel()


def ask(channel: grpc.Channel) -> None:
    """What an honest client does, which dials again until it is heard."""
    query_pb2_grpc.QueryStub(channel).ListDevices(
        query_pb2.ListDevicesRequest(), timeout=300, wait_for_ready=True
    )


def wait_until_as_before(
    process: psutil.Process, descriptors: int, threads: int, channel: grpc.Channel
) -> None:
    """Asks on until the controller holds what it held; the test's time limit ends it."""
    while (
        process.num_fds() > descriptors + SPARE_DESCRIPTORS
        or process.num_threads() > threads + SPARE_THREADS
    ):
        ask(channel)


def test_masses_of_silent_connections_keep_nobody_out_and_end(tmp_path: Path) -> None:
    limits = {"handshake_s": 3, "idle_s": 3, "request_s": 3, "look_s": 1}
    with limited_controller(tmp_path, **limits) as (controller, address):
        process = process_of(controller)
        with own_channel(address) as honest:
            ask(honest)
            descriptors, threads = process.num_fds(), process.num_threads()
        with (
            silent(address, SILENT, b""),
            silent(address, SILENT, GREETING),
            half_open_calls(address, 32),
            own_channel(address) as honest,
        ):
            ask(honest)
            # While their other ends stay open.
            wait_until_as_before(process, descriptors, threads, honest)


def test_a_controller_keeps_descriptors_for_itself_and_room_for_others(tmp_path: Path) -> None:
    limits = {
        "descriptors": (256, 900),
        "reserved_descriptors": 500,
        "look_s": 1,
        # They would end by themselves long after this test.
        "handshake_s": 3_000,
        "idle_s": 3_000,
    }
    with limited_controller(tmp_path, **limits) as (controller, address):
        controller.output.wait_for("few connections may be open at a port.* connections=344 ")
        process = process_of(controller)
        assert process.rlimit(psutil.RLIMIT_NOFILE) == (900, 900)
        with silent(address, SILENT, b""), own_channel(address) as honest:
            assert process.num_fds() < 900 - 300
            # One address holds a quarter of them at most, once they were seen to be idle.
            ask(honest)
            controller.output.wait_for("too many connections without a call.* may_be=86 ")
            while process.num_fds() > 300:
                ask(honest)


def test_masses_of_handshakes_that_stop_midway_end_and_end_nothing_else(tmp_path: Path) -> None:
    half = half_a_handshake()
    with limited_guarded(tmp_path, handshake_s=3, look_s=1) as guarded:
        process = process_of(guarded.running)
        authority = guarded.authority(guarded.token())
        descriptors, threads = process.num_fds(), process.num_threads()
        with (
            silent(guarded.address, SILENT, half),
            silent(guarded.fleet_address, SILENT, half),
            guarded.channel(authority) as honest,
        ):
            while (
                process.num_fds() > descriptors + SPARE_DESCRIPTORS
                or process.num_threads() > threads + SPARE_THREADS
            ):
                # Theirs ends, too, as nobody's who is known; perhaps while they are told.
                assert answer_of(partial(ask, honest)) in {UNKNOWN, grpc.StatusCode.UNAVAILABLE}
            # In a new connection who shows nothing is told so.
            retried_until(UNKNOWN, partial(ask, honest), guarded.running)

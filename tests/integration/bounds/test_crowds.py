"""Nobody holds more of a controller than there is room for, and who is refused is told why."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from controller.api.limits import DEFAULTS
from protos.joining import bearer_letters, parse_access_token
from protos.v1 import query_pb2, query_pb2_grpc
from tests.integration.access.conftest import Guarded, status_of
from tests.integration.bounds.conftest import (
    answer_of,
    limited_controller,
    limited_guarded,
    own_channel,
    prepare_sweep,
    retried_until,
)

EXHAUSTED = grpc.StatusCode.RESOURCE_EXHAUSTED


class Person:
    """Somebody with a token, and a connection."""

    def __init__(self, guarded: Guarded, channel: grpc.Channel, name: str) -> None:
        secret = parse_access_token(guarded.access(name)).secret
        self._metadata = (("authorization", f"Bearer {bearer_letters(secret)}"),)
        self._stub = query_pb2_grpc.QueryStub(channel)

    def watch(self, sweep_id: str) -> Any:
        """A watcher of a sweep that has seen it once."""
        request = query_pb2.WatchSweepRequest(sweep_id=sweep_id)
        call = self._stub.WatchSweep(request, timeout=60, metadata=self._metadata)
        next(call)
        return call

    def devices(self) -> query_pb2.ListDevicesResponse:
        request = query_pb2.ListDevicesRequest()
        return self._stub.ListDevices(request, timeout=60, metadata=self._metadata)


def heard_out(answers: Iterator[Any]) -> None:
    """Hears all that there is."""
    for _answer in answers:
        pass


@contextmanager
def people(guarded: Guarded, *names: str) -> Iterator[list[Person]]:
    with guarded.channel(guarded.authority(guarded.token())) as channel:
        yield [Person(guarded, channel, name) for name in names]


def test_watchers_are_as_many_as_there_is_room_for(tmp_path: Path) -> None:
    sweep_id = prepare_sweep(tmp_path)
    with (
        limited_guarded(tmp_path, rooms={"FOLLOWING": (2, 3)}) as guarded,
        people(guarded, "ada", "ben") as (ada, ben),
    ):
        first, second = ada.watch(sweep_id), ada.watch(sweep_id)
        assert answer_of(lambda: ada.watch(sweep_id)) is EXHAUSTED
        # Whoever has too many of one kind may still ask for others.
        assert [device.name for device in ada.devices().devices] == ["phone"]
        third = ben.watch(sweep_id)
        with pytest.raises(grpc.RpcError, match="3 calls that follow") as refused:
            ben.watch(sweep_id)
        assert isinstance(refused.value, grpc.Call)
        assert refused.value.code() is EXHAUSTED
        first.cancel()
        retried_until(grpc.StatusCode.OK, lambda: ben.watch(sweep_id), guarded.running)
        for each in (second, third):
            each.cancel()


def test_strangers_hold_up_strangers_only(tmp_path: Path) -> None:
    with (
        limited_guarded(tmp_path, rooms={"STRANGER": (2, 2)}) as guarded,
        guarded.channel(guarded.authority(guarded.token())) as channel,
        people(guarded, "ada") as [ada],
    ):
        stub, check = health_pb2_grpc.HealthStub(channel), health_pb2.HealthCheckRequest()
        join: Any = channel.stream_stream("/edgerank.v1.Joining/Join")
        held: SimpleQueue[bytes | None] = SimpleQueue()
        calls: list[Any] = []
        while answer_of(lambda: stub.Check(check, timeout=60)) is not EXHAUSTED:
            assert guarded.running.process.poll() is None
            # A check that was there before one of them had its place.
            missing = 2 - sum(each.is_active() for each in calls)
            calls += [join(iter(held.get, None), timeout=60) for _ in range(missing)]
        assert ada.devices() is not None
        for each in calls:
            held.put(None)
            each.cancel()


def test_a_call_whose_request_never_comes_is_ended(tmp_path: Path) -> None:
    never = threading.Event()

    def says_nothing() -> Iterator[bytes]:
        never.wait(60)
        yield b""

    with (
        limited_controller(tmp_path, request_s=1) as (_controller, address),
        own_channel(address) as channel,
    ):
        for path in ("/edgerank.v1.Query/ListDevices", "/edgerank.v1.Fleet/Connect"):
            call: Any = channel.stream_stream(path)
            assert answer_of(partial(heard_out, call(says_nothing(), timeout=60))) is EXHAUSTED
        never.set()


def test_a_stream_that_falls_silent_is_ended(tmp_path: Path) -> None:
    never = threading.Event()

    def says_little() -> Iterator[query_pb2.ImportAccuracyRequest]:
        yield query_pb2.ImportAccuracyRequest()
        never.wait(60)

    with (
        limited_controller(tmp_path, silence_s=1) as (_controller, address),
        own_channel(address) as channel,
    ):
        stub = query_pb2_grpc.QueryStub(channel)
        assert answer_of(lambda: stub.ImportAccuracy(says_little(), timeout=60)) is EXHAUSTED
        never.set()


def test_a_request_is_no_longer_than_it_may_be(tmp_path: Path) -> None:
    with (
        limited_controller(tmp_path, request_bytes=1_000) as (_controller, address),
        own_channel(address) as channel,
    ):
        stub = query_pb2_grpc.QueryStub(channel)
        short, long = query_pb2.RankRequest(device="d"), query_pb2.RankRequest(device="d" * 2_000)
        assert answer_of(lambda: stub.Rank(short, timeout=60)) is grpc.StatusCode.NOT_FOUND
        assert answer_of(lambda: stub.Rank(long, timeout=60)) is EXHAUSTED


def test_a_header_is_no_longer_than_it_may_be(tmp_path: Path) -> None:
    with limited_controller(tmp_path) as (_controller, address), own_channel(address) as channel:
        ask = query_pb2_grpc.QueryStub(channel).ListDevices

        def asking(size: int) -> grpc.StatusCode:
            request, metadata = query_pb2.ListDevicesRequest(), (("more", "x" * size),)
            return answer_of(partial(ask, request, timeout=60, metadata=metadata))

        assert asking(DEFAULTS.header_bytes // 2) is grpc.StatusCode.OK
        assert asking(DEFAULTS.header_bytes) is EXHAUSTED


@pytest.mark.parametrize("name", ["d" * 400_000, "\u00fc%" * 200_000])
def test_whoever_asks_for_a_long_name_is_told_that_there_is_none(tmp_path: Path, name: str) -> None:
    with (
        limited_controller(tmp_path) as (_controller, address),
        own_channel(address) as channel,
    ):
        stub = query_pb2_grpc.QueryStub(channel)
        remove, cancel = query_pb2.RemoveDeviceRequest, query_pb2.CancelSweepRequest
        for ask in (
            lambda: stub.RemoveDevice(remove(device=name), timeout=60),
            lambda: stub.CancelSweep(cancel(sweep_id=name), timeout=60),
            lambda: stub.Rank(query_pb2.RankRequest(device=name), timeout=60),
        ):
            with pytest.raises(grpc.RpcError) as told:
                ask()
            assert status_of(told.value) is grpc.StatusCode.NOT_FOUND
            assert name[:1_000] in str(told.value.details())

"""Of a greeting that is refused nothing is left while that is told, which may take a while."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import grpc
import pytest

from controller.api.limits import DEFAULTS, Limits, Room
from controller.api.rpc.fleet_service import FleetService
from controller.domain.errors import EdgerankError, ErrorCode
from controller.fleet.clock import SystemClock
from protos.codec import to_message
from protos.v1 import fleet_pb2
from tests.integration.controller.domain_samples import hello
from tests.unit.controller.api.bounds.kept import Content, content


class Refusing:
    """In the place of a fleet and its members: nobody is one, and nobody is welcomed."""

    def is_member(self, _device_id: str) -> bool:
        return False

    async def connect(self, _hello: Any) -> Any:
        raise EdgerankError(ErrorCode.NAME_TAKEN, "another device has the name")


class Greeting:
    """In the place of gRPC: one message, and what is there of it as the call is ended."""

    def __init__(self, message: Content, is_there: Callable[[], object]) -> None:
        self._messages = [message]
        self._is_there = is_there
        self.at_its_end: object = self

    def __aiter__(self) -> "Greeting":
        return self

    async def __anext__(self) -> Content:
        return self._messages.pop()

    async def abort(self, *_why: Any) -> None:
        self.at_its_end = self._is_there()
        raise grpc.aio.AbortError


def said(held: int = 0) -> bytes:
    greeting = replace(hello("phone"), held_attempt_ids=(f"{'attempt':60}",) * held)
    request = fleet_pb2.ConnectRequest(hello=to_message(greeting, fleet_pb2.Hello))
    return request.SerializeToString()


@pytest.mark.parametrize(
    ("encoded", "limits"),
    [
        (bytes(100_000), DEFAULTS),
        (b"\xff", DEFAULTS),
        (said(held=100), replace(DEFAULTS, greetings_bytes=Room(a_caller=1, in_all=0))),
        (said(), DEFAULTS),
    ],
    ids=["too long", "no message", "no room", "refused by the fleet"],
)
async def test_of_a_greeting_that_is_refused_nothing_is_left_while_that_is_told(
    encoded: bytes, limits: Limits
) -> None:
    refusing: Any = Refusing()
    unused: Any = None
    service = FleetService(
        *(refusing, unused, refusing, limits),
        bandwidth=unused,
        meters=unused,
        tracing=unused,
        clock=SystemClock(),
    )
    message, is_there = content(encoded)
    greeting: Any = Greeting(message, is_there)
    del message
    with suppress(grpc.aio.AbortError):
        async for _told in service.Connect(greeting, greeting):
            pass
    assert greeting.at_its_end is None

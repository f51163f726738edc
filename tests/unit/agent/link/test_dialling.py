"""Who is not answered dials again ever more patiently, so that a line of many gets shorter."""

from typing import Any

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.link.dialling import Dialler, dial_patience_s
from agent.link.incoming import FromController
from agent.link.rhythm import Rhythm
from protos.fleet import Hello, Welcome
from tests.integration.controller.domain_samples import hello


@given(number=st.integers(1, 10_000), timeout_s=st.floats(0.1, 3_600))
def test_a_dial_waits_longer_than_the_one_before_and_not_for_ever(
    number: int, timeout_s: float
) -> None:
    first, this, after = (dial_patience_s(each, timeout_s) for each in (1, number, number + 1))
    assert first == timeout_s
    assert this <= after <= 2 * this
    assert after <= max(timeout_s, 120)


def test_a_dial_waits_twice_as_long_as_the_one_before() -> None:
    assert [dial_patience_s(number, 10.0) for number in range(1, 7)] == [10, 20, 40, 80, 120, 120]


class BreaksOnce:
    """A line whose first stream breaks after a while, and whose next one is welcomed on."""

    address = "controller.example:7077"

    def __init__(self, after_s: float) -> None:
        self.now_s = 0.0
        self.has_asked = False
        self.dials = 0
        self._after_s = after_s
        self.client = self

    def connect(self) -> "BreaksOnce":
        self.dials += 1
        return self

    async def send(self, _hello: Hello) -> None:
        if self.dials == 1:
            self.now_s += self._after_s
            nothing = grpc.aio.Metadata()
            raise grpc.aio.AioRpcError(grpc.StatusCode.UNAVAILABLE, nothing, nothing, "broke off")

    async def receive(self) -> FromController:
        return Welcome(heartbeat_interval_ms=5_000)

    async def try_another(self) -> None:
        self.has_asked = True

    def turn_to_another(self) -> None:
        """There is no other."""


@pytest.mark.parametrize(("after_s", "asks"), [(0.1, True), (20.0, False)])
async def test_who_is_too_busy_to_begin_is_not_asked_about_the_certificate_as_well(
    after_s: float, asks: bool
) -> None:
    line: Any = BreaksOnce(after_s)
    dialler = Dialler(line, Rhythm(), 10.0, lambda: line.now_s)
    _stream, welcome = await dialler.dial(lambda: hello("phone"))
    assert (welcome.heartbeat_interval_ms, line.dials) == (5_000, 2)
    assert line.has_asked is asks

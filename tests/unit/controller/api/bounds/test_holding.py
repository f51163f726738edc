"""Who does not read what is told keeps others out for a while, and no artifact at all."""

import asyncio
from contextlib import nullcontext
from dataclasses import replace
from typing import Any
from unittest.mock import Mock

import pytest

from controller.access.callers import OWNER
from controller.api.limits import DEFAULTS, Load, Room
from controller.api.rpc.held.holding import Holding
from controller.domain.errors import EdgerankError, ErrorCode

LONG = bytes(100_000)


class Context:
    """A call whose caller reads what it is told, or does not."""

    def __init__(self, peer: str, *, reads: bool = True) -> None:
        self._peer = peer
        self._may_go = asyncio.Event()
        if reads:
            self._may_go.set()
        self.told: list[bytes] = []
        self.is_told = asyncio.Event()

    def peer(self) -> str:
        return self._peer

    async def write(self, content: bytes) -> None:
        self.told.append(content)
        self.is_told.set()
        await self._may_go.wait()


async def test_behind_who_does_not_read_answers_wait_for_a_time_and_artifacts_go() -> None:
    peers: Any = Mock()
    peers.told.return_value = nullcontext()
    room = Room(len(LONG), len(LONG))
    holding = Holding(replace(DEFAULTS, answers_bytes=room, request_s=0.001), peers)

    async def tell(context: Any, load: Load) -> None:
        await holding.tell(OWNER, context, LONG, load)

    deaf, other = Context("ipv4:192.0.2.1:1", reads=False), Context("ipv4:192.0.2.2:1")
    unread = asyncio.create_task(tell(deaf, Load.MOMENT))
    await deaf.is_told.wait()
    with pytest.raises(EdgerankError) as refused:
        await tell(other, Load.MOMENT)
    assert refused.value.code is ErrorCode.LIMIT
    assert other.told == []
    await tell(other, Load.DOWNLOAD)
    assert other.told == [LONG]
    unread.cancel()
    with pytest.raises(asyncio.CancelledError):
        await unread
    await tell(other, Load.MOMENT)

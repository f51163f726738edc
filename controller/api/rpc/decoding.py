"""Decodes what agents say: a report once there is room for it, and for all that came before it."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, NamedTuple

from controller.api.limits import Limits
from controller.api.rpc.from_agents import Said, hear_from_agent, most_bytes_of
from controller.api.rpc.held.weighing import Portion, Scales
from controller.domain.errors import EdgerankError
from controller.fleet.reports import UnreadableReport
from protos.fleet import Report

REPORTS: Final = (Report, UnreadableReport)
# Handing less to a thread costs more than decoding it.
_SMALL_BYTES: Final = 4_096


class Heard(NamedTuple):
    """What an agent said.

    Attributes:
        said: that.
        is_free: whether the agent is free once it is done.
        portion: of a report, as what it is counted until its room is given back.
    """

    said: Said
    is_free: bool
    portion: Portion | None = None


class Decoding:
    """Decodes what all agents say.

    Attributes:
        scales: where reports have their room.
    """

    def __init__(self, limits: Limits) -> None:
        self.scales = Scales(limits.reports_bytes, limits.reports_waiting_bytes, "reports")
        # Of long ones: neither on the loop that all share, nor on the threads that the database
        # waits in.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="decoding")

    async def heard(self, request: bytes, who: Hashable) -> Heard:
        """What an agent said, and of a report the room that it has until it is written.

        Args:
            request: an encoded ConnectRequest.
            who: says it.

        Raises:
            MessageInvalid: as `hear_from_agent` does.
            EdgerankError: LIMIT for a report for which there is no room, nor one to wait.
        """
        if len(request) <= _SMALL_BYTES:
            heard = await self.decoded(request)
            if not isinstance(heard.said, REPORTS):
                # Beats are heard while reports wait.
                return heard
            held_bytes = most_bytes_of(len(request))
            portion = await self.scales.take(who, held_bytes, waits_as_bytes=held_bytes)
            return heard._replace(portion=portion)
        held_bytes = most_bytes_of(len(request))
        try:
            portion = await self.scales.take(who, held_bytes, waits_as_bytes=len(request))
        except EdgerankError:
            # Else it is kept for as long as the refusal waits to be told.
            del request
            raise
        try:
            heard = await self.decoded(request)
        except BaseException:
            self.scales.give_back(portion)
            raise
        if isinstance(heard.said, REPORTS):
            return heard._replace(portion=portion)
        self.scales.give_back(portion)
        return heard

    async def decoded(self, request: bytes) -> Heard:
        """What an agent said, whatever room there is."""
        if len(request) <= _SMALL_BYTES:
            return Heard(*hear_from_agent(request))
        loop = asyncio.get_running_loop()
        return Heard(*await loop.run_in_executor(self._thread, hear_from_agent, request))

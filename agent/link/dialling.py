"""Dials a controller until it says Welcome, or says that it will not.

Who is told that others are welcomed first waits on the stream that it has: a dial that is given up
and made again costs the controller two greetings, and the others their time.
"""

import asyncio
import math
import time
from collections.abc import Callable
from typing import Final

import grpc
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    RetryError,
    retry_if_exception_type,
    stop_after_delay,
    wait_random_exponential,
)

from agent.errors import INPUT_EXIT_CODE, AgentError
from agent.link.incoming import FromController
from agent.link.line import Line
from agent.link.rhythm import Rhythm
from agent.link.wire import AgentStream
from protos.codec import MessageInvalid
from protos.fleet import PROTOCOL, Hello, InLine, Welcome, speaks_ours
from protos.log_lines import event_log

log = event_log(__name__)

# Dialling again gives the same answer.
_FINAL_CODES = frozenset(
    {
        grpc.StatusCode.ALREADY_EXISTS,
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.UNAUTHENTICATED,
        grpc.StatusCode.UNIMPLEMENTED,
    }
)
# Shorter than a lease lives, so that a controller that is back finds its agents in time.
_LONGEST_WAIT_S: Final = 10.0
_MOST_PATIENCE_S: Final = 120.0
_LEAST_PATIENCE_S: Final = 0.1
# A connection that does not begin, or whose other end is gone, breaks before.
_ANSWERED_S: Final = 120.0
# Who does not take a certificate ends the connection at once.
_LONGEST_REFUSAL_S: Final = 5.0
# Whatever a controller says of its line.
_LONGEST_TURN_S: Final = 600.0


class ControllerUnreachable(AgentError):
    """Nobody answered the first dial."""


class ControllerRefused(AgentError):
    """The controller wants no agent of this kind."""

    exit_code = INPUT_EXIT_CODE


class NameTaken(ControllerRefused):
    """Another device has the name."""


class _StreamBroken(Exception):
    """The stream ended before Welcome; worth another dial."""


class _Unanswered(_StreamBroken):
    """Nothing was said in time."""


def dial_patience_s(number: int, timeout_s: float) -> float:
    """How long the dial of this number, from 1, waits for an answer, s.

    Twice as long each time, up to two minutes: whoever is not answered in time stands in a line
    with others, and makes it longer by hanging up.
    """
    return min(timeout_s * 2.0 ** min(number - 1, 10), max(timeout_s, _MOST_PATIENCE_S))


class Dialler:
    """Knows where the controller is and how long to wait for it."""

    def __init__(
        self,
        line: Line,
        rhythm: Rhythm,
        timeout_s: float,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._line = line
        self._rhythm = rhythm
        self._timeout_s = timeout_s
        self._monotonic_s = monotonic_s

    async def dial(
        self, hello: Callable[[], Hello], within_s: float = math.inf
    ) -> tuple[AgentStream, Welcome]:
        """Open a stream and be welcomed; dial again, ever more slowly, for so long, s.

        Raises:
            ControllerUnreachable: nobody answered within it.
            ControllerRefused: dialling again would not help.
        """
        try:
            async for attempt in AsyncRetrying(
                retry=retry_if_exception_type(_StreamBroken),
                # At random in a widening window: a fleet comes back spread over it.
                wait=wait_random_exponential(
                    multiplier=0.5, max=max(_LONGEST_WAIT_S, self._rhythm.spread_s)
                ),
                stop=stop_after_delay(within_s),
                before_sleep=self._before_retry,
            ):
                with attempt:
                    state = attempt.retry_state
                    left_s = within_s - (time.monotonic() - state.start_time)
                    patience_s = dial_patience_s(state.attempt_number, self._timeout_s)
                    patience_s = min(max(patience_s, _ANSWERED_S), left_s)
                    patience_s = max(_LEAST_PATIENCE_S, patience_s)
                    return await self._greet(self._line.client.connect(), hello(), patience_s)
        except RetryError as error:
            raise ControllerUnreachable(
                f"no controller answered at {self._line.address} within {self._timeout_s:g} s: "
                "start one there, or correct the controller's address; one on a network is joined "
                "with --join"
            ) from error
        raise AssertionError("a retry loop ends by success or by RetryError")

    async def _greet(
        self, stream: AgentStream, hello: Hello, patience_s: float
    ) -> tuple[AgentStream, Welcome]:
        """Say Hello and wait for Welcome, in line if there is one."""
        begin_s = self._monotonic_s()
        try:
            await asyncio.wait_for(stream.send(hello), patience_s)
            welcome = await self._turn(stream, patience_s)
        except grpc.aio.AioRpcError as error:
            raise self._verdict_on(error, self._monotonic_s() - begin_s) from error
        except asyncio.TimeoutError as error:
            stream.cancel()
            raise _Unanswered("no answer") from error
        except asyncio.InvalidStateError as error:
            stream.cancel()
            raise _StreamBroken("the stream ended") from error
        except MessageInvalid as error:
            raise ControllerRefused(f"the controller at {self._line.address}: {error}") from error
        if not isinstance(welcome, Welcome):
            stream.cancel()
            raise _StreamBroken("the controller closed the stream")
        if not speaks_ours(welcome.protocol):
            stream.cancel()
            raise ControllerRefused(
                f"the controller at {self._line.address} speaks protocol {welcome.protocol} and "
                f"this agent {PROTOCOL}: use the same edgerank version on both sides"
            )
        return stream, welcome

    async def _turn(self, stream: AgentStream, patience_s: float) -> FromController | None:
        """What is said when the agent's turn has come."""
        said = await asyncio.wait_for(stream.receive(), patience_s)
        while isinstance(said, InLine):
            wait_s = min(said.wait_ms / 1_000, _LONGEST_TURN_S)
            address = self._line.address
            log.info("others are welcomed first", controller=address, wait_s=round(wait_s, 1))
            said = await asyncio.wait_for(stream.receive(), wait_s + patience_s)
        return said

    def _verdict_on(self, error: grpc.aio.AioRpcError, after_s: float = 0.0) -> Exception:
        if error.code() is grpc.StatusCode.UNIMPLEMENTED:
            return ControllerRefused(
                f"what answers at {self._line.address} is no edgerank controller: correct the "
                "address"
            )
        if error.code() in _FINAL_CODES:
            taken = error.code() is grpc.StatusCode.ALREADY_EXISTS
            return (NameTaken if taken else ControllerRefused)(
                f"the controller at {self._line.address} refused this agent: {error.details()}"
            )
        broken = _StreamBroken if after_s < _LONGEST_REFUSAL_S else _Unanswered
        return broken(str(error.details()))

    async def _before_retry(self, state: RetryCallState) -> None:
        wait_s = state.next_action.sleep if state.next_action else 0.0
        address = self._line.address
        log.info("no controller there; dialling again", controller=address, wait_s=round(wait_s, 1))
        if state.outcome is not None and isinstance(state.outcome.exception(), _Unanswered):
            # Who is asked about a certificate has even more to do than who did not answer.
            self._line.turn_to_another()
            return
        try:
            await self._line.try_another()
        except grpc.aio.AioRpcError as error:
            raise self._verdict_on(error) from error

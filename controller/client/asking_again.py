"""Calls that change something once, however often they are made: made again when no answer came."""

from collections.abc import Callable
from typing import Final, Protocol, TypeAlias, TypeVar

import grpc
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from controller.client.channel import DEADLINE_S

TIMES: Final = 4
# What a person waits between two, besides the time in which the controller is away.
_LONGEST_WAIT_S: Final = 2.0
_LOST: Final = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        # By a controller that stops; who cancels here asks for nothing more.
        grpc.StatusCode.CANCELLED,
    }
)

ResponseT_co = TypeVar("ResponseT_co", covariant=True)
OnLost: TypeAlias = Callable[[], None]


class _Call(Protocol[ResponseT_co]):
    """A call of a stub with its request."""

    def __call__(self, *, timeout: float, wait_for_ready: bool) -> ResponseT_co: ...


def nobody_told() -> None:
    """Nobody wants to know that it is asked again."""


def asked_again(call: _Call[ResponseT_co], on_lost: OnLost) -> ResponseT_co:
    """Gives what a call answers, which is made again when nobody knows what became of it.

    Args:
        call: the same each time, so that the controller knows it again.
        on_lost: told before it is made again.

    Raises:
        grpc.RpcError: what the last one ended with.
    """
    for attempt in Retrying(
        retry=retry_if_exception(_is_lost),
        stop=stop_after_attempt(TIMES),
        wait=wait_random_exponential(max=_LONGEST_WAIT_S),
        before_sleep=lambda _state: on_lost(),
        reraise=True,
    ):
        with attempt:
            # A controller that was there and is away may be started again meanwhile.
            is_again = attempt.retry_state.attempt_number > 1
            return call(timeout=DEADLINE_S, wait_for_ready=is_again)
    raise AssertionError("the last attempt raises what it ended with")


def _is_lost(error: BaseException) -> bool:
    return isinstance(error, grpc.Call) and error.code() in _LOST

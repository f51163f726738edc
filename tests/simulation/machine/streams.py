"""An agent's stream to its controller: what each says comes in its order, later, or never."""

import asyncio
import random
from collections import deque
from collections.abc import Callable
from enum import Enum
from typing import Final

from controller.domain.errors import EdgerankError
from protos.fleet import FromAgent, ToAgent

_FASTEST_S: Final = 0.001
_SLOWEST_S: Final = 0.05
_RARELY: Final = 0.01
_SLOW_S: Final = 2.0

Request = FromAgent | None
Response = ToAgent | EdgerankError | None


class Way(Enum):
    """Whom a message goes to."""

    UP = "to the controller"
    DOWN = "to the agent"


class _Lane:
    """One way of a stream."""

    def __init__(self, on_come: Callable[[object], None]) -> None:
        self.on_come = on_come
        self.messages: deque[object] = deque()
        self.last_s = 0.0


class Stream:
    """Messages on their way; who cuts it says when either side sees that.

    Attributes:
        requests: what the controller has not heard yet; None is the agent's last.
        is_cut: whether nothing comes through any more.
        stalls_until_s: until when nothing does.
    """

    def __init__(
        self,
        rng: random.Random,
        on_response: Callable[["Stream", Response], None],
        opens_at_s: Callable[[], float],
    ) -> None:
        """`on_response` is the agent's ear; `opens_at_s` says when the controller's is open."""
        self.requests: asyncio.Queue[Request] = asyncio.Queue()
        self.is_cut = False
        self.stalls_until_s = 0.0
        self.serving: asyncio.Task[None] | None = None
        self._rng = rng
        self._loop = asyncio.get_running_loop()
        self._opens_at_s = opens_at_s
        self._lanes = {
            Way.UP: _Lane(self.requests.put_nowait),  # type: ignore[arg-type]
            Way.DOWN: _Lane(lambda said: on_response(self, said)),  # type: ignore[arg-type]
        }

    def say_up(self, message: Request) -> None:
        """The agent says something; None is that it says no more."""
        self._say(Way.UP, message)

    def say_down(self, message: Response) -> None:
        """The controller says something; an error or None is the end."""
        self._say(Way.DOWN, message)

    def cut(self, *, up_s: float, down_s: float) -> None:
        """Lose what is on its way; after so long the controller sees it, and the agent does."""
        if self.is_cut:
            return
        self.is_cut = True
        lane = self._lanes[Way.DOWN]
        self._loop.call_later(up_s, self._cut_up)
        self._loop.call_later(down_s, lane.on_come, None)

    def _cut_up(self) -> None:
        if self.serving is not None:
            self.serving.cancel()

    def _say(self, way: Way, message: object) -> None:
        if self.is_cut:
            return
        lane = self._lanes[way]
        lane.messages.append(message)
        slowest_s = _SLOW_S if self._rng.random() < _RARELY else _SLOWEST_S
        at_s = self._loop.time() + self._rng.uniform(_FASTEST_S, slowest_s)
        lane.last_s = max(at_s, lane.last_s)
        self._loop.call_at(lane.last_s, self._come, way)

    def _come(self, way: Way) -> None:
        if self.is_cut:
            return
        opens_s = max(self.stalls_until_s, self._opens_at_s() if way is Way.UP else 0.0)
        if opens_s > self._loop.time():
            self._loop.call_at(opens_s, self._come, way)
            return
        lane = self._lanes[way]
        lane.on_come(lane.messages.popleft())

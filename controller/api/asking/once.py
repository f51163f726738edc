"""Asks once for all who ask the same at once: a crowd costs as much as one of it."""

import asyncio
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Generic, TypeVar

AskedT = TypeVar("AskedT", bound=Hashable)
AnswerT = TypeVar("AnswerT")


class AskingOnce(Generic[AskedT, AnswerT]):
    """Looks something up in a thread, for all who asked for the same until it begins to look.

    Nobody is told what was so before they asked: who asks meanwhile waits for the next look.
    """

    def __init__(self, look: Callable[[AskedT], AnswerT], threads: ThreadPoolExecutor) -> None:
        self._look = look
        self._threads = threads
        self._awaited: dict[AskedT, asyncio.Future[AnswerT]] = {}

    async def ask(self, asked: AskedT) -> AnswerT:
        """What is found.

        Raises:
            Exception: what the look raises.
        """
        answer = self._awaited.get(asked)
        if answer is None:
            loop = asyncio.get_running_loop()
            answer = self._awaited[asked] = loop.create_future()
            looking = loop.run_in_executor(self._threads, self._begin, asked)
            looking.add_done_callback(partial(_hand_over, answer))
        # Who goes away takes nothing from the others.
        return await asyncio.shield(answer)

    def _begin(self, asked: AskedT) -> AnswerT:
        del self._awaited[asked]
        return self._look(asked)


def _hand_over(answer: asyncio.Future[AnswerT], looking: asyncio.Future[AnswerT]) -> None:
    if looking.cancelled():
        answer.cancel()
    elif (error := looking.exception()) is not None:
        answer.set_exception(error)
        # Whoever still waits is told; nobody may.
        answer.exception()
    else:
        answer.set_result(looking.result())

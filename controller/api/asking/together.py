"""Asks for all at once who asked meanwhile: where a look takes long, a crowd waits for few."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

AskedT = TypeVar("AskedT")
AnswerT = TypeVar("AnswerT")


class AskingTogether(Generic[AskedT, AnswerT]):
    """Looks several things up in a thread by one look, and rests behind one that a crowd asked for.

    Nobody is told what was so before they asked: who asks meanwhile waits for the next look. Who
    asks alone, one question after the other, is looked up at once.
    """

    def __init__(
        self,
        look: Callable[[Sequence[AskedT]], Sequence[AnswerT]],
        threads: ThreadPoolExecutor,
        *,
        rest_s: float,
    ) -> None:
        """`look` gives an answer for each; it rests for `rest_s` behind one for several."""
        self._look = look
        self._threads = threads
        self._rest_s = rest_s
        self._waiting: list[tuple[AskedT, asyncio.Future[AnswerT]]] = []
        self._looking: asyncio.Task[None] | None = None

    async def ask(self, asked: AskedT) -> AnswerT:
        """What is found.

        Raises:
            Exception: what the look raises.
        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[AnswerT] = loop.create_future()
        self._waiting.append((asked, answer))
        if self._looking is None:
            self._looking = loop.create_task(self._look_on())
        return await answer

    async def _look_on(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._waiting:
                some, self._waiting = self._waiting, []
                asked = [each for each, _ in some]
                try:
                    answers = await loop.run_in_executor(self._threads, self._look, asked)
                except Exception as error:  # noqa: BLE001 - each who asked is told
                    _fail([answer for _, answer in some], error)
                else:
                    for (_, answer), found in zip(some, answers, strict=True):
                        if not answer.done():
                            answer.set_result(found)
                if len(some) > 1:
                    await asyncio.sleep(self._rest_s)
        finally:
            self._looking = None


def _fail(answers: Sequence["asyncio.Future[AnswerT]"], error: Exception) -> None:
    for answer in answers:
        # Who went away wants nothing any more.
        if not answer.done():
            answer.set_exception(error)

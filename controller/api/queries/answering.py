"""The threads in which answers are made: what takes long keeps nobody waiting who asks for less."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final, ParamSpec, TypeVar

from controller.state.schema.unreadable import answered_in

AnswerP = ParamSpec("AnswerP")
AnswerT = TypeVar("AnswerT")

# Of their own: however much is asked, the threads that agents' words wait for stay free. What only
# lists does not wait for what computes: who cancels a sweep is told of it meanwhile. Nor does what
# is computed once wait for those who fetch everything, a page after the other.
_THREADS: Final = 2


class Answering:
    """Makes answers in threads, each kind in its own."""

    def __init__(self) -> None:
        self._listing = ThreadPoolExecutor(_THREADS, thread_name_prefix="listing")
        self._computing = ThreadPoolExecutor(_THREADS, thread_name_prefix="answering")
        self._fetching = ThreadPoolExecutor(_THREADS, thread_name_prefix="fetching")

    async def listed(
        self, answer: Callable[AnswerP, AnswerT], *args: AnswerP.args, **kwargs: AnswerP.kwargs
    ) -> AnswerT:
        """What something gives that people ask for, beside what agents wait for."""
        return await answered_in(self._listing, partial(answer, *args, **kwargs))

    async def computed(
        self, answer: Callable[AnswerP, AnswerT], *args: AnswerP.args, **kwargs: AnswerP.kwargs
    ) -> AnswerT:
        """What something gives that takes longer than a list, behind which no list waits."""
        return await answered_in(self._computing, partial(answer, *args, **kwargs))

    async def fetched(
        self, answer: Callable[AnswerP, AnswerT], *args: AnswerP.args, **kwargs: AnswerP.kwargs
    ) -> AnswerT:
        """What gives a page of many, behind which nothing waits but other pages."""
        return await answered_in(self._fetching, partial(answer, *args, **kwargs))

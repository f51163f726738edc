"""Work in steps that read or write: one rule of what follows on what, for whoever does them.

Who writes at once does one after the other; who must not hold others up does each where it may
last, and lets others come between.
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from controller.state.database import Database

AskedT = TypeVar("AskedT")
ResultT = TypeVar("ResultT")


@dataclass(frozen=True)
class Look:
    """Reads, and computes of that for as long as it takes."""

    do: Callable[[Database], Any]


@dataclass(frozen=True)
class Keep:
    """Writes, at a moment by the controller's clock, ms."""

    do: Callable[[Database, int], Any]


Step: TypeAlias = Look | Keep
Steps: TypeAlias = Generator[Step, Any, ResultT]
"""It is sent what came of each step, and goes on by that."""


def look(find: Callable[[Database, AskedT], ResultT], of: AskedT) -> Steps[ResultT]:
    """A step that reads; it comes to what is found."""
    found: ResultT = yield Look(lambda database: find(database, of))
    return found


def keep(write: Callable[[Database, AskedT, int], ResultT], what: AskedT) -> Steps[ResultT]:
    """A step that writes; it comes to what that gives."""
    kept: ResultT = yield Keep(lambda database, now_unix_ms: write(database, what, now_unix_ms))
    return kept


def next_step(steps: Steps[None], came: Any) -> Step | None:
    """What is to be done next; None at the end.

    Args:
        steps: all of them.
        came: what came of the step before; None before the first.
    """
    try:
        return steps.send(came)
    except StopIteration:
        return None


def do_at_once(steps: Steps[None], database: Database, now_unix_ms: int) -> None:
    """Does one after the other."""
    came: Any = None
    while (step := next_step(steps, came)) is not None:
        came = step.do(database) if isinstance(step, Look) else step.do(database, now_unix_ms)

"""The table of what was planned to befall fleets, what did, and which of them went wrong."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from typing import Any, Protocol


class _Fault(Protocol):
    @property
    def kind(self) -> Any: ...


class _Schedule(Protocol):
    @property
    def seed(self) -> int: ...

    @property
    def faults(self) -> Sequence[_Fault]: ...


class Ran(Protocol):
    """A schedule that was run, as both kinds of them have it."""

    @property
    def schedule(self) -> _Schedule:
        """Which one."""

    @property
    def struck(self) -> Sequence[_Fault]:
        """Its faults that came."""

    @property
    def violations(self) -> Sequence[object]:
        """What was wrong."""


def table_of_runs(kinds: Iterable[Enum], runs: Sequence[Ran], what: str) -> Iterator[str]:
    """A line for each kind of fault, how often it came and was planned to; then the sum.

    Args:
        kinds: of faults.
        runs: of which the table is.
        what: they are, in the plural.
    """
    came = Counter(fault.kind for run in runs for fault in run.struck)
    planned = Counter(fault.kind for run in runs for fault in run.schedule.faults)
    yield f"{'what':<60} {'came':>8} {'planned':>8}"
    yield from (f"{kind.value:<60} {came[kind]:>8,} {planned[kind]:>8,}" for kind in kinds)
    wrong = [run.schedule.seed for run in runs if run.violations]
    yield f"{len(runs):,} {what}, {came.total():,} faults; wrong: {wrong or 'none'}"

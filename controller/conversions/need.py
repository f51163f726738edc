"""Which conversion is needed first: by who waits for it, without clock or database."""

import math
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final, NamedTuple


@dataclass(frozen=True, kw_only=True)
class Urgency:
    """How urgent a sweep is.

    Attributes:
        priority: -10 to 10; the highest is first.
        deadline_unix_ms: when it should have ended, ms since 1970 UTC; None is no time.
    """

    priority: int = 0
    deadline_unix_ms: int | None = None


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What a sweep wants of a conversion.

    Attributes:
        urgency: of the sweep.
        devices: ids of those whose jobs wait for it; at least one.
        idle: of those, the ones that have had nothing to measure yet.
        place: of the first turn that waits for it, in the order of a device's turns, from 0.
    """

    urgency: Urgency
    devices: AbstractSet[str]
    idle: AbstractSet[str]
    place: int


class Need(NamedTuple):
    """How much a conversion is needed: the least is first."""

    rank: int
    without_idle: int
    due_unix_ms: float
    without_devices: int
    place: float


_NOBODYS: Final = Need(0, 0, math.inf, 0, math.inf)


def need_of(wishes: Sequence[Wish]) -> Need:
    """How much a conversion is needed that sweeps have these wishes of.

    First is what the sweep of the highest priority wants; of that, what most devices wait for that
    have had nothing to measure yet; then what a sweep of an earlier deadline wants, what more
    devices wait for, and what a device needs earlier among its turns. What somebody converts ahead,
    and no sweep wants, is the last of what has no priority.
    """
    if not wishes:
        return _NOBODYS
    deadlines = (wish.urgency.deadline_unix_ms for wish in wishes)
    return Need(
        rank=min(-wish.urgency.priority for wish in wishes),
        without_idle=-_count([wish.idle for wish in wishes]),
        due_unix_ms=min(math.inf if due is None else due for due in deadlines),
        without_devices=-_count([wish.devices for wish in wishes]),
        place=min(wish.place for wish in wishes),
    )


def most_needed(waiting: Mapping[str, Sequence[Wish]]) -> str:
    """Which conversion is next of those that wait; of equal ones the first of them.

    Args:
        waiting: the wishes of each, by its name; at least one conversion.
    """
    return min(waiting, key=lambda name: need_of(waiting[name]))


def _count(sets: Sequence[AbstractSet[str]]) -> int:
    """How many are in any of them."""
    return len(sets[0]) if len(sets) == 1 else len(frozenset().union(*sets))

"""Whose turn it is, judged by what was waiting at that moment: a pure rule, and no code of ours."""

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A sweep with a turn for a device.

    Attributes:
        sweep_id: which one.
        rank: less is more urgent.
        person: who started it.
        order: less is first among those of a person and a rank.
        may_lease: whether it is not paused, and has a turn that waits for nothing.
    """

    sweep_id: str
    rank: int
    person: str
    order: tuple[int, int, str]
    may_lease: bool = True


class TurnTaking:
    """Remembers of each device who was passed over there, and by whom."""

    def __init__(self) -> None:
        self._passed: defaultdict[str, dict[str, set[str]]] = defaultdict(dict)

    def unfair(self, device: str, chosen: Waiting, others: Collection[Waiting]) -> Iterator[str]:
        """Tell what is not fair about a turn that a device leased, while other sweeps had some."""
        if not chosen.may_lease:
            yield f"{device} leased of {chosen}, which gives out no turns"
        for other in others:
            if other.rank < chosen.rank:
                yield f"{device} leased of {chosen} before {other}, which is more urgent"
            is_like = (other.rank, other.person) == (chosen.rank, chosen.person)
            if is_like and other.order < chosen.order:
                yield f"{device} leased of {chosen} before {other} of the same person"
        yield from self._twice(device, chosen, others)

    def _twice(self, device: str, chosen: Waiting, others: Collection[Waiting]) -> Iterator[str]:
        """Nobody is served twice while somebody else waits whose sweep is as urgent."""
        waiting = {each.person for each in others if each.rank == chosen.rank} - {chosen.person}
        before = self._passed[device]
        now = {person: before.get(person, set()) for person in sorted(waiting)}
        for person, served in now.items():
            if chosen.person in served:
                yield f"{device} served {chosen.person!r} twice while {person!r} waited"
            served.add(chosen.person)
        self._passed[device] = now

"""Backbones and devices of a fleet: which one qualifies where, and by which setting."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from controller.ranking.entries.columns import Mask, Rows
from controller.ranking.standing.holding import Held


class Grid:
    """A row a device, a column a backbone.

    Attributes:
        held: what counts on the devices.
        names: of the backbones, by the alphabet.
        choices: places of their best settings on the devices, as `Held.choices` has them; -1 where
            none qualifies.
        is_excluded: where they have figures and do not qualify.
    """

    held: Sequence[Held]
    names: Sequence[str]
    choices: npt.NDArray[np.intp]
    is_excluded: Mask

    def __init__(self, held: Sequence[Held]) -> None:
        self.held = held
        # Devices that measured the same have the very same names.
        told = {id(each.here.columns.words): each.here.columns.names.names for each in held}
        self.names = sorted(set().union(*told.values()))
        at = {name: place for place, name in enumerate(self.names)}
        places = {
            words: np.array([at[name] for name in names], dtype=np.intp)
            for words, names in told.items()
        }
        shape = len(held), len(self.names)
        self.choices = np.full(shape, -1, dtype=np.intp)
        self.is_excluded = np.zeros(shape, dtype=bool)
        for row, each in enumerate(held):
            there = places[id(each.here.columns.words)]
            self.choices[row, there] = each.choices
            self.is_excluded[row, there] = each.is_excluded

    def qualifying_on(self) -> Rows:
        """On how many devices each backbone qualifies."""
        counts: Rows = (self.choices >= 0).sum(axis=0)
        return counts

    def incomplete(self) -> list[int]:
        """Those that qualify on some devices and not on all, on most of them first."""
        counts = self.qualifying_on()
        some = np.flatnonzero((counts > 0) & (counts < len(self.held)))
        found: list[int] = some[np.argsort(-counts[some], kind="stable")].tolist()
        return found

    def devices(self, are_these: Mask) -> tuple[str, ...]:
        """Names of some of the devices."""
        return tuple(self.held[row].device for row in np.flatnonzero(are_these))

"""What becomes of each measurement of a device, in columns, and as candidates of those few told."""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from controller.domain.measurements import Measurement
from controller.domain.rankings import MOST_LATENCY_TIES, Candidate, Constraints, Merit
from controller.ranking.entries import Entry, entry_of
from controller.ranking.entries.choosing import Selected, select
from controller.ranking.entries.columns import Columns, Rows
from controller.ranking.losing import behind, tied
from controller.ranking.merits import costs_of, front_rows, leaders, overlaps_of, ties_with
from controller.ranking.pareto import front_places_by
from controller.ranking.requirements import Exclusions, exclusions, requirements
from controller.ranking.standing.places import Places, places
from controller.ranking.suggestion import kind_in_use
from models.catalog.catalog import Catalog
from models.catalog.variants import WeightsKind
from protos.reasons import Reason
from protos.runtimes import Runtime

Whole: TypeAlias = Callable[[Sequence[int]], Sequence[Measurement]]
"""Makes measurements of rows, in their order."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DeviceColumns:
    """What a ranking needs of a device.

    Attributes:
        device: its name.
        columns: its measurements, whether or not they are looked at.
        rows: of what is looked at.
        whole: what makes measurements of rows, which are few: those that are told of.
        runtimes: those of the device, for the sweep that is suggested.
    """

    device: str
    columns: Columns
    rows: Rows
    whole: Whole
    runtimes: Sequence[Runtime] = tuple(Runtime)

    def weights_in_use(self) -> WeightsKind:
        """The kind of weights to go on with."""
        return kind_in_use(self.columns.weights_in(np.arange(len(self.columns))))


def in_scope(columns: Columns, constraints: Constraints) -> Rows:
    """Return the rows that are looked at."""
    return columns.are_of(
        runtime=constraints.runtime, threads=constraints.threads, precision=constraints.precision
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Judged:
    """What is known of all rows before one is told of.

    Attributes:
        columns: of the device.
        selected: what can be ranked, and what is left out.
        excluded: why rows may not win.
        passing: those that can be ranked and satisfy the constraints, the fastest first.
        merit: by what the winner is chosen.
        by: the first by each merit.
        beating: the front by top-1 and median latency.
        front: the front that was asked for.
        ties: who cannot be told apart from the winner.
        places: where each may be among those within the constraints.
    """

    columns: Columns
    selected: Selected
    excluded: Exclusions
    passing: Rows
    merit: Merit
    by: Mapping[Merit, int]
    beating: Rows
    front: Rows
    ties: Rows
    places: Places

    @property
    def entries(self) -> Rows:
        """What can be ranked, the fastest first."""
        return self.selected.entries

    @property
    def winner(self) -> int | None:
        """The first by the merit that counts; None where nothing qualifies."""
        return self.by.get(self.merit)

    def shown(self, most: int | None) -> Rows:
        """The ties, the front, and so many others and of what is left out; None is all."""
        rest = (self.others()[:most], self.selected.left_out[:most])
        return np.concatenate([self.ties, self.front, *rest])

    def others(self) -> Rows:
        """Those that are neither the winner, nor tie with it, nor are on the front."""
        is_told = np.zeros(len(self.columns), dtype=bool)
        for rows in (self.front, self.ties, [] if self.winner is None else [self.winner]):
            is_told[rows] = True
        return self.entries[~is_told[self.entries]]


def judge(here: DeviceColumns, constraints: Constraints, catalog: Catalog) -> Judged:
    """Find what can be ranked, what may win, and who is where."""
    columns, merit = here.columns, constraints.merit
    selected = select(columns, here.rows, constraints)
    excluded = exclusions(columns, requirements(constraints, catalog))
    passing = excluded.passing(selected.entries)
    by = leaders(columns, passing)
    winner = by.get(merit)
    beating = front_rows(columns, passing)
    return Judged(
        columns=columns,
        selected=selected,
        excluded=excluded,
        passing=passing,
        merit=merit,
        by=by,
        beating=beating,
        front=_asked_front(columns, passing, constraints) if constraints.front else beating,
        ties=passing[:0] if winner is None else ties_with(columns, winner, passing, merit),
        places=places(columns, passing, merit),
    )


def _asked_front(columns: Columns, passing: Rows, constraints: Constraints) -> Rows:
    """Return the Pareto front by the figures that were asked for, the best by the first first.

    What a figure is not known of is the worst by it.
    """
    costs = [costs_of(columns, axis)[passing] for axis in constraints.front]
    return passing[front_places_by(np.array(costs).T)]


class Told:
    """Candidates of those rows that an answer tells of, whose measurements are made together."""

    def __init__(self, judged: Judged, whole: Whole, rows: Sequence[int]) -> None:
        """`rows` are told; reasons are told by the winner and by who beats them besides."""
        self._judged = judged
        winner = [] if judged.winner is None else [judged.winner]
        every = list(dict.fromkeys(int(row) for row in (*winner, *judged.beating, *rows)))
        self._measurements = dict(zip(every, whole(every), strict=True))
        self._beating = [self._entry(row) for row in judged.beating]
        self._beating_ms = [each.median_ms for each in self._beating]
        self._on_front = set(judged.front.tolist())
        self._unbeaten = set(judged.beating.tolist())
        self._ties = set(judged.ties.tolist())
        self._overlaps = overlaps_of(judged.columns, judged.entries)

    def measurement(self, row: int) -> Measurement:
        """The measurement of a row."""
        return self._measurements[int(row)]

    def measurements(self, rows: Rows) -> list[Measurement]:
        """Those of rows."""
        return [self.measurement(row) for row in rows]

    def candidates(self, rows: Rows) -> tuple[Candidate, ...]:
        """What became of rows."""
        return tuple(self.candidate(int(row)) for row in rows)

    def candidate(self, row: int) -> Candidate:
        """What became of a row that can be ranked."""
        judged = self._judged
        ties, tie_count = self._latency_ties(row)
        return Candidate(
            measurement=self._measurements[row],
            on_pareto_front=row in self._on_front,
            latency_ties=ties,
            latency_tie_count=tie_count,
            lost_because=self._lost_because(row),
            first_by=tuple(each for each in Merit if judged.by.get(each) == row),
            rank_low=int(judged.places.low[row]),
            rank_high=int(judged.places.high[row]),
        )

    def _entry(self, row: int) -> Entry:
        return entry_of(self.measurement(row))

    def _lost_because(self, row: int) -> tuple[Reason, ...]:
        judged, entry = self._judged, self._entry(row)
        excluded = judged.excluded.reasons(entry, row)
        if judged.winner is None or excluded:
            return excluded
        if row == judged.winner:
            return ()
        winner = self._entry(judged.winner)
        if row in self._ties:
            return (tied(entry, winner, judged.merit),)
        dominator = None if row in self._unbeaten else self._dominator(entry, winner)
        return (behind(entry, winner, judged.merit, dominator),)

    def _latency_ties(self, row: int) -> tuple[tuple[str, ...], int]:
        """The ids of those that are told, and how many there are."""
        columns, entries = self._judged.columns, self._judged.entries
        alike = entries[self._overlaps(row)]
        ties = alike[alike != row]
        far_ms = np.abs(columns.median_ms[ties] - columns.median_ms[row])
        nearest = ties[np.lexsort((columns.id_place[ties], far_ms))][:MOST_LATENCY_TIES]
        told = nearest[np.argsort(columns.id_place[nearest])]
        return tuple(columns.measurement_ids(told)), len(ties)

    def _dominator(self, entry: Entry, winner: Entry) -> Entry:
        """The winner where it beats the entry, else the most accurate of the front that does."""
        # The front is told the fastest first.
        as_fast = self._beating[: bisect_right(self._beating_ms, entry.median_ms)]
        least = entry.top1
        beating = [
            other
            for other in as_fast
            if least is None or (other.top1 is not None and other.top1 >= least)
        ]
        return winner if winner in beating else max(beating, key=lambda other: other.top1 or 0)

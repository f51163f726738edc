"""What counts on one device of a fleet, and what the device loses by each backbone."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from controller.domain.rankings import Constraints, Merit
from controller.ranking.entries.choosing import select
from controller.ranking.entries.columns import Columns, Mask, Numbers, Rows
from controller.ranking.merits import front_rows, leader, line_of, ordered
from controller.ranking.requirements import Exclusions, Nearest, Requirement, effects, exclusions
from controller.ranking.standing.judging import DeviceColumns
from models.catalog.variants import WeightsKind

# What needs no more than the bare runtime counts as if it needed this: nothing is so many times 0.
_LEAST_MEMORY_BYTES: Final = 1024**2


@dataclass(frozen=True, slots=True, eq=False)
class Spans:
    """Figures of rows, with the least and the most that each may be by the intervals."""

    value: Numbers
    low: Numbers
    high: Numbers

    def at(self, places: Rows) -> "Spans":
        """Those at some places."""
        return Spans(self.value[places], self.low[places], self.high[places])


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Held:
    """What counts on one device: the best setting of each backbone that qualifies, and the rest.

    Attributes:
        here: the device's columns.
        share: how much it counts beside the others, above 0.
        choices: by the place of a backbone's name, of `Columns.names`, that of its best setting in
            `rows` and `lost`; -1 where none qualifies.
        rows: of the best settings.
        lost: what the device loses by each of them.
        is_excluded: by the same places, which backbones have figures and do not qualify.
        lacking: rows of their settings, the fastest first.
        exclusions: why rows do not qualify.
        nearest: where nothing qualifies, what each requirement excludes.
        best: row of the first by the merit; None where nothing qualifies.
    """

    here: DeviceColumns
    share: float
    choices: Rows
    rows: Rows
    lost: Spans
    is_excluded: Mask
    lacking: Rows
    exclusions: Exclusions
    nearest: tuple[Nearest, ...]
    best: int | None

    @property
    def device(self) -> str:
        """Its name."""
        return self.here.device

    @property
    def takes_part(self) -> bool:
        """Whether there are figures that count."""
        return bool(len(self.rows) or len(self.lacking))

    @property
    def weights(self) -> set[WeightsKind]:
        """Kinds of weights that there are."""
        return self.here.columns.weights_in(np.arange(len(self.here.columns)))

    @property
    def best_backbone(self) -> str | None:
        """Of what the first by the merit is."""
        columns = self.here.columns
        return None if self.best is None else columns.kinds[columns.kind[self.best]].backbone


def hold(
    here: DeviceColumns,
    share: float,
    constraints: Constraints,
    required: Sequence[Requirement],
) -> Held:
    """Find the best setting of each backbone on a device, and what it loses by it."""
    columns, merit = here.columns, constraints.merit
    selected = select(columns, here.rows, constraints)
    excluded = exclusions(columns, required)
    passing = excluded.passing(ordered(columns, selected, merit))
    # Of equal ones that stand highest above a line, the first in the order of entries is the best.
    best = leader(columns, excluded.passing(selected.entries), merit)
    if merit is Merit.MEMORY:
        passing = passing[columns.has_memory[passing]]
    lost = regrets(columns, passing, merit)
    name = columns.names.of_kind[columns.kind]
    count = len(columns.names.names)
    order = np.arange(len(passing))
    if merit is Merit.VALUE:
        # By any other merit, regrets grow in its own order.
        order = np.argsort(lost.value, kind="stable")
    first = np.full(count, -1, dtype=np.intp)
    # Of several places the last one stays: backwards, the first.
    first[name[passing[order[::-1]]]] = np.arange(len(order))[::-1]
    settings = order[np.sort(first[first >= 0])]
    choices = np.full(count, -1, dtype=np.intp)
    choices[name[passing[settings]]] = np.arange(len(settings))
    lacking = selected.entries[choices[name[selected.entries]] < 0]
    is_excluded = np.zeros(count, dtype=bool)
    is_excluded[name[lacking]] = True
    return Held(
        here=here,
        share=share,
        choices=choices,
        rows=passing[settings],
        lost=lost.at(settings),
        is_excluded=is_excluded,
        lacking=lacking,
        exclusions=excluded,
        nearest=() if len(passing) else effects(columns, selected.entries, excluded),
        best=best,
    )


def regrets(columns: Columns, rows: Rows, merit: Merit) -> Spans:
    """Return what is lost by each row beside the best one of the device.

    - latency, memory: c / c* - 1, with the cost c and the least cost c* (a fraction: 0.1 is 10 %
      slower than the fastest). Memory is the peak, and at least 1 MiB.
    - accuracy: a* - a, points of top-1 below the most accurate.
    - value: g* - g, with the height g above the line through the ends of the Pareto front
      (`controller.ranking.pareto.above_line`), points of top-1.

    By the intervals it is between that of its own best with the other's worst end, and the reverse;
    of the best itself it begins at 0.

    Args:
        columns: of one device.
        rows: that qualify; of accuracy and value with known top-1.
        merit: by what the best is chosen.
    """
    if not len(rows):
        return Spans(*[np.zeros(0)] * 3)
    match merit:
        case Merit.ACCURACY:
            gains = columns.gains[rows]
            lost = gains.max() - gains
            return Spans(lost, lost, lost)
        case Merit.VALUE:
            return _value_regrets(columns, rows)
        case Merit.MEMORY:
            least, peak = (np.maximum(each[rows], _LEAST_MEMORY_BYTES) for each in columns.memory)
            costs = Spans(peak, least, peak)
        case _:
            costs = Spans(columns.median_ms, columns.low_ms, columns.high_ms).at(rows)
    return _relative_regrets(costs, columns.id_place[rows])


def _value_regrets(columns: Columns, rows: Rows) -> Spans:
    gain = line_of(columns, front_rows(columns, rows))
    gains = columns.gains[rows]
    at, at_best, at_worst = (
        gain(gains, each[rows]) for each in (columns.median_ms, columns.low_ms, columns.high_ms)
    )
    best = int(np.argmax(at))
    high = np.maximum(0.0, at_best[best] - at_worst)
    high[best] = 0.0
    return Spans(at[best] - at, np.maximum(0.0, at_worst[best] - at_best), high)


def _relative_regrets(costs: Spans, id_place: Rows) -> Spans:
    best = int(np.lexsort((id_place, costs.value))[0])
    high = _excess(costs.high, costs.low[best])
    high[best] = 0.0
    return Spans(
        _excess(costs.value, costs.value[best]), _excess(costs.low, costs.high[best]), high
    )


def _excess(costs: Numbers, least: float) -> Numbers:
    return np.maximum(0.0, costs / least - 1) if least > 0 else np.zeros(len(costs))

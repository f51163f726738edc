"""Which rows stand for the others, and which are left out: rules that work on columns."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from enum import IntFlag
from typing import Final

import numpy as np
import numpy.typing as npt

from controller.domain.measurements import Verdict
from controller.domain.rankings import Constraints, Merit
from controller.domain.rankings.figure_rows import VERDICT_CODES
from controller.ranking.entries.columns import Codes, Columns, Mask, Rows

# As large as four of the columns, together, and as eight more with the orders of every merit.
_MADE: Final = 2
_FAILED: Final = VERDICT_CODES[Verdict.FAILED.value]


class Why(IntFlag):
    """Why a row is left out, and whether it is held back."""

    EMULATED = 1
    """Its device is emulated."""
    VERDICT = 2
    """It failed, or its verdict does not count: its own reasons say why."""
    OLDER_COUNTS = 4
    """An older one of the same counts."""
    NO_ACCURACY = 8
    """No accuracy is known for it that it needs."""
    HELD_BACK = 16
    """It would be ranked if `only` of the constraints named no verdict."""


@dataclass(frozen=True, slots=True, eq=False)
class Newest:
    """Of rows that stand for each other, the one that counts, and what is told beside it.

    Attributes:
        chosen: by thing the row that counts; -1 where none does.
        passed_over: rows that came after it or are there in its place.
        is_older: of these, whether an older one counts.
    """

    chosen: Rows
    passed_over: Rows
    is_older: Mask


@dataclass(frozen=True, slots=True, eq=False)
class Selected:
    """What can be ranked and what is left out.

    Attributes:
        entries: rows that can be ranked, the fastest first.
        left_out: rows that cannot, in a fixed order.
        why: of each of these, of `Why`.
        orders: the entries in the order of merits, as they were asked for: see `merits.ordered`.
    """

    entries: Rows
    left_out: Rows
    why: npt.NDArray[np.int64]
    orders: dict[Merit, Rows] = field(default_factory=dict, init=False)

    def left(self, flag: Why) -> Rows:
        """Rows that are left out for this."""
        rows: Rows = self.left_out[(self.why & flag) != 0]
        return rows


def aside(
    thing: Codes, verdict: Codes, is_emulated: Mask, rows: Rows, *, include_emulated: bool
) -> tuple[Rows, Rows]:
    """Set aside what emulated devices measured, of what stands for each other the last.

    Returns:
        The rows that are kept, and those that are told of instead.
    """
    # One that failed has no figures that could count.
    is_aside = is_emulated[rows] & (verdict[rows] != _FAILED) & (not include_emulated)
    away = rows[is_aside]
    last = np.full(_count(thing), -1, dtype=np.intp)
    last[thing[away]] = away
    return rows[~is_aside], last[last >= 0]


def newest(
    thing: Codes,
    verdict: Codes,
    has_figures: Mask,
    rows: Rows,
    preference: Sequence[Collection[Verdict]],
) -> Newest:
    """Choose, of rows of the same thing, the last one with a most preferred verdict.

    Args:
        thing: alike in rows that stand for each other.
        verdict: codes of verdicts.
        has_figures: whether there are any; what has none never counts.
        rows: the rows to choose from, the oldest first.
        preference: verdicts that count, the preferred ones first, those of one collection alike.
    """
    count = _count(thing)
    chosen = np.full(count, -1, dtype=np.intp)
    for verdicts in reversed(preference):
        is_preferred = np.zeros(len(VERDICT_CODES), dtype=bool)
        is_preferred[[VERDICT_CODES[each.value] for each in verdicts]] = True
        counts = has_figures[rows] & is_preferred[verdict[rows]]
        # Of several the last one stays.
        chosen[thing[rows[counts]]] = rows[counts]
    newer = rows[rows > chosen[thing[rows]]]
    told = np.zeros(len(thing), dtype=bool)
    for some in (newer, newer[has_figures[newer]]):
        last = np.full(count, -1, dtype=np.intp)
        last[thing[some]] = some
        told[last[last >= 0]] = True
    passed_over = np.flatnonzero(told)
    return Newest(chosen, passed_over, chosen[thing[passed_over]] >= 0)


def select(columns: Columns, rows: Rows, constraints: Constraints) -> Selected:
    """Split rows into what can be ranked and what is left out: see `select_entries`.

    It is kept beside the columns, as most questions differ in their limits alone.
    """
    key = (
        rows.tobytes(),
        constraints.include_emulated,
        constraints.preference,
        constraints.preference_without_only,
        constraints.needs_accuracy,
    )
    known = columns.made.get(key)
    if isinstance(known, Selected):
        return known
    made = _selected(columns, rows, constraints)
    if len(columns.made) >= _MADE:
        columns.made.clear()
    columns.made[key] = made
    return made


def _selected(columns: Columns, rows: Rows, constraints: Constraints) -> Selected:
    thing, verdict = columns.thing, columns.verdict
    kept, emulated = aside(
        thing, verdict, columns.is_emulated, rows, include_emulated=constraints.include_emulated
    )
    found = newest(thing, verdict, columns.has_latency, kept, constraints.preference)
    why = np.zeros(len(columns), dtype=np.int64)
    why[emulated] |= Why.EMULATED
    why[found.passed_over] |= Why.VERDICT
    why[found.passed_over[found.is_older]] |= Why.OLDER_COUNTS
    chosen = found.chosen[found.chosen >= 0]
    if constraints.only:
        preference = constraints.preference_without_only
        usual = newest(thing, verdict, columns.has_latency, kept, preference).chosen
        usual = usual[usual >= 0]
        why[np.setdiff1d(usual, chosen)] |= Why.VERDICT
        held_back = np.intersect1d(usual, np.flatnonzero(why & Why.VERDICT))
        why[held_back] |= Why.HELD_BACK
    ranked = columns.has_latency & (~np.isnan(columns.top1) | (not constraints.needs_accuracy))
    lacking = np.zeros(len(columns), dtype=bool)
    lacking[chosen] = True
    lacking[np.flatnonzero(why & Why.VERDICT)] = True
    # One without figures says by its own reasons why.
    lacking &= ~ranked & columns.has_latency
    why[lacking] |= Why.NO_ACCURACY
    why[~ranked] &= ~Why.HELD_BACK
    entries = chosen[ranked[chosen]]
    left_out = np.flatnonzero(why)
    order = np.argsort(columns.place[left_out])
    return Selected(
        entries=entries[np.lexsort((columns.id_place[entries], columns.median_ms[entries]))],
        left_out=left_out[order],
        why=why[left_out[order]],
    )


def _count(thing: Codes) -> int:
    return int(thing.max(initial=-1)) + 1

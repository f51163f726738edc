"""How much of a ranking is told: the front and the ties whole, of the rest what was asked for."""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from controller.domain.rankings import Candidate, Constraints, LeftOut, Ranking
from controller.domain.rankings.pages import LeftOutPlace, OtherPlace
from controller.ranking.entries import left_out_of
from controller.ranking.entries.choosing import select
from controller.ranking.standing.judging import DeviceColumns, Told, judge
from models.catalog.catalog import Catalog

ItemT = TypeVar("ItemT")
PlaceT = TypeVar("PlaceT", OtherPlace, LeftOutPlace)


def listed(ranking: Ranking, most: int | None) -> Ranking:
    """Return a ranking with at most so many others, and so many of what is left out.

    Args:
        ranking: with all of them.
        most: of each; None is all.
    """
    return replace(
        ranking,
        others=ranking.others[:most],
        left_out=ranking.left_out[:most],
        other_count=len(ranking.others),
        left_out_count=len(ranking.left_out),
    )


def part_behind(
    items: Sequence[ItemT], place_of: Callable[[ItemT], PlaceT], after: PlaceT | None, most: int
) -> tuple[Sequence[ItemT], PlaceT | None]:
    """Return the next of some items, and the place that more are behind; None where none are.

    Whatever comes or goes between two pages, of all others each is on one page: they are not
    counted, but stand behind a place or do not.

    Args:
        items: in the order of their places.
        place_of: where one stands; no two stand at the same place.
        after: the place that they are behind; None is the first page. Nobody needs to stand there.
        most: at most so many, at least 1.
    """
    start = 0 if after is None else bisect_right(items, after, key=place_of)
    end = start + most
    return items[start:end], place_of(items[end - 1]) if end < len(items) else None


def others_behind(
    here: DeviceColumns,
    constraints: Constraints,
    catalog: Catalog,
    after: OtherPlace | None,
    most: int,
) -> tuple[tuple[Candidate, ...], OtherPlace | None]:
    """Return the next others of a ranking, and the place that more are behind: see `part_behind`.

    Who moves meanwhile to or from the ties or the front may be told twice or not at all.
    """
    columns, judged = here.columns, judge(here, constraints, catalog)

    def place_of(row: int) -> OtherPlace:
        return float(columns.median_ms[row]), columns.measurement_ids([row])[0]

    rows, last = part_behind(judged.others().tolist(), place_of, after, most)
    told = Told(judged, here.whole, rows)
    return tuple(told.candidate(row) for row in rows), last


def left_out_behind(
    here: DeviceColumns, constraints: Constraints, after: LeftOutPlace | None, most: int
) -> tuple[tuple[LeftOut, ...], LeftOutPlace | None]:
    """Return the next of what a ranking leaves out, and the place that more is behind."""
    selected = select(here.columns, here.rows, constraints)
    every = list(zip(selected.left_out.tolist(), selected.why.tolist(), strict=True))
    part, last = part_behind(every, lambda each: here.columns.order_of(each[0]), after, most)
    measured = here.whole([row for row, _ in part])
    return tuple(
        left_out_of(each, why) for each, (_, why) in zip(measured, part, strict=True)
    ), last

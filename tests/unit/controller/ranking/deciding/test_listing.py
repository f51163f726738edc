"""The rest of a ranking by pages: all of it once, in its order, whatever is measured meanwhile."""

import itertools
from collections.abc import Callable
from typing import TypeVar

from hypothesis import given
from hypothesis import strategies as st

from controller.domain.measurements import Measurement, Verdict
from controller.domain.rankings import Constraints, Merit
from controller.ranking.entries import order_of
from controller.ranking.ranking import columns_to_rank, rank
from controller.ranking.standing.listing import left_out_behind, others_behind, part_behind
from models.catalog.catalog import Catalog
from models.catalog.variants import WeightsKind
from protos.runtimes import Runtime
from tests.unit.controller.samples.measurements import DEVICE, figures, measurement

EMPTY = Catalog([])
# Few medians and few ids, so that places are near each other.
PLACES = st.tuples(st.integers(1, 4).map(float), st.sampled_from("abcde"))

ItemT = TypeVar("ItemT")
PlaceT = TypeVar("PlaceT")


@st.composite
def _measured(draw: st.DrawFn) -> list[Measurement]:
    found = []
    for place in range(draw(st.integers(0, 14))):
        verdict = draw(st.sampled_from(Verdict))
        median_ms = draw(st.integers(1, 12)) / 2
        found.append(
            measurement(
                draw(st.sampled_from(["NetB", "NetA", "NetC"])),
                runtime=draw(st.sampled_from(Runtime)),
                threads=draw(st.integers(1, 2)),
                weights=draw(st.sampled_from(WeightsKind)),
                batch=draw(st.sampled_from([1, 16])),
                verdict=verdict,
                latency=None if verdict is Verdict.FAILED else figures(median_ms, 0.1),
                measurement_id=f"m{draw(st.integers(0, 9))}-{place}",
            )
        )
    return found


_CONSTRAINTS = st.builds(
    Constraints,
    max_latency_ms=st.none() | st.integers(1, 6).map(float),
    runtime=st.none() | st.sampled_from(Runtime),
    by=st.none() | st.sampled_from(Merit),
    only=st.sampled_from([(), (Verdict.OK,), (Verdict.THROTTLED,)]),
)


def _joined(
    page_behind: Callable[[PlaceT | None], tuple[tuple[ItemT, ...], PlaceT | None]], most: int
) -> tuple[ItemT, ...]:
    page, last = page_behind(None)
    found = page
    while last is not None:
        assert len(page) == most
        page, last = page_behind(last)
        assert page
        found += page
    return found


@given(_measured(), _CONSTRAINTS, st.integers(1, 4))
def test_pages_joined_are_the_whole_ranking(
    measured: list[Measurement], constraints: Constraints, most: int
) -> None:
    whole = rank(DEVICE, measured, constraints, EMPTY)
    here = columns_to_rank(DEVICE, measured, constraints)
    others = _joined(lambda last: others_behind(here, constraints, EMPTY, last, most), most)
    left_out = _joined(lambda last: left_out_behind(here, constraints, last, most), most)
    assert (others, left_out) == (whole.others, whole.left_out)


@given(_measured())
def test_a_row_stands_where_its_measurement_does(measured: list[Measurement]) -> None:
    columns = columns_to_rank(DEVICE, measured, Constraints()).columns
    assert list(map(columns.order_of, range(len(columns)))) == list(map(order_of, measured))


@given(
    st.frozensets(PLACES),
    st.lists(st.frozensets(PLACES), min_size=1, max_size=4),
    st.integers(1, 4),
)
def test_who_stays_is_told_once_whoever_comes_and_goes(
    staying: frozenset[tuple[float, str]], visitors: list[frozenset[tuple[float, str]]], most: int
) -> None:
    told: list[tuple[float, str]] = []
    last: tuple[float, str] | None = None
    for here in itertools.cycle(visitors):
        part, last = part_behind(sorted(staying | here), lambda each: each, last, most)
        told += part
        if last is None:
            break
    assert told == sorted(set(told))
    assert staying <= set(told)

"""Places as ranges, and who is surely the first."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.measurements import Measurement, MemoryFigures
from controller.domain.rankings import Constraints, Merit, Ranking
from controller.domain.rankings.limits import Criterion
from controller.figures.latency import latency_figures
from controller.figures.statistics import median_interval
from controller.ranking.ranking import rank
from controller.ranking.standing.certainty import certainty
from models.catalog.catalog import Catalog
from protos.measuring import Repetition
from tests.unit.controller.samples.measurements import DEVICE, measurement, repetition

FASTEST = Constraints(by=Merit.LATENCY)
EMPTY = Catalog([])


def places(ranking: Ranking) -> dict[str, tuple[int, int]]:
    shown = (ranking.winner, *ranking.ties, *ranking.pareto_front, *ranking.others)
    return {each.measurement.backbone: (each.rank_low, each.rank_high) for each in shown if each}


def test_where_intervals_overlap_a_place_is_a_range() -> None:
    measured = [measurement("A", 5, 1), measurement("B", 6, 1), measurement("C", 9, 1)]
    found = places(rank(DEVICE, measured, FASTEST, EMPTY))
    assert found == {"A": (1, 2), "B": (1, 2), "C": (3, 3)}


def test_by_accuracy_only_equal_ones_share_places() -> None:
    measured = [
        measurement("A", 5, 1, top1=70),
        measurement("B", 6, 1, top1=75),
        measurement("C", 6.5, 1, top1=75),
    ]
    found = places(rank(DEVICE, measured, Constraints(by=Merit.ACCURACY), EMPTY))
    assert found == {"A": (3, 3), "B": (1, 2), "C": (1, 2)}


def test_outside_of_the_constraints_there_is_no_place() -> None:
    measured = [measurement("A", 5, 0), measurement("B", 60, 0)]
    assert places(rank(DEVICE, measured, Constraints(max_latency_ms=20), EMPTY))["B"] == (0, 0)


_figures = st.lists(
    st.tuples(st.floats(1, 50), st.floats(0, 0.9), st.integers(60, 64)), min_size=1, max_size=12
)


@given(_figures, st.sampled_from([Merit.LATENCY, Merit.ACCURACY, Merit.MEMORY]))
def test_the_winner_may_be_the_first_and_each_place_is_in_range(
    figures: list[tuple[float, float, int]], merit: Merit
) -> None:
    measured = [
        measurement(f"N{at}", median, median * half, top1=top1)
        for at, (median, half, top1) in enumerate(figures)
    ]
    ranking = rank(DEVICE, measured, Constraints(by=merit), EMPTY)
    assert ranking.winner is not None
    assert ranking.winner.rank_low == 1
    for low, high in places(ranking).values():
        assert 1 <= low <= high <= len(measured)


@given(_figures, st.sampled_from([Merit.LATENCY, Merit.ACCURACY]))
def test_a_place_is_behind_all_surely_ahead_and_before_all_surely_behind(
    figures: list[tuple[float, float, int]], merit: Merit
) -> None:
    measured = [
        measurement(f"N{at}", median, median * half, top1=top1)
        for at, (median, half, top1) in enumerate(figures)
    ]

    def span(one: Measurement) -> tuple[tuple[float, float], tuple[float, float]]:
        assert one.latency is not None
        first = 0.0 if merit is Merit.LATENCY else -(one.top1 or 0.0)
        return (first, one.latency.low_ms), (first, one.latency.high_ms)

    spans = {each.backbone: span(each) for each in measured}
    expected = {
        name: (
            1 + sum(worst < low for _, worst in spans.values()),
            sum(best <= high for best, _ in spans.values()),
        )
        for name, (low, high) in spans.items()
    }
    assert places(rank(DEVICE, measured, Constraints(by=merit), EMPTY)) == expected


def test_a_front_may_have_three_figures() -> None:
    light = MemoryFigures(peak_rss_bytes=10_000_000, baseline_rss_bytes=5_000_000)
    measured = [
        measurement("Fast", 5, top1=75),
        replace(measurement("Light", 9, top1=70), memory=light),
        measurement("Beaten", 9.5, top1=69),
    ]
    within = Constraints(front=(Criterion.LATENCY, Criterion.TOP1, Criterion.MEMORY))
    ranking = rank(DEVICE, measured, within, EMPTY)
    assert [each.measurement.backbone for each in ranking.pareto_front] == ["Fast", "Light"]


def _measured(name: str, medians_ms: Sequence[float]) -> tuple[Measurement, tuple[Repetition, ...]]:
    rng = np.random.default_rng(7)
    repetitions = tuple(
        repetition(tuple(int(each * 1e6) for each in rng.normal(median, median / 100, 60)))
        for median in medians_ms
    )
    return replace(measurement(name), latency=latency_figures(repetitions)), repetitions


def _certainty_of(
    *measured: tuple[Measurement, tuple[Repetition, ...]], confidence: float = 0.95
) -> tuple[bool, list[str], float]:
    kept = {m.measurement_id: repetitions for m, repetitions in measured}
    ranking = rank(DEVICE, [m for m, _ in measured], FASTEST, EMPTY)
    found = certainty(
        ranking, confidence, lambda several: [kept[m.measurement_id] for m in several]
    )
    names = {m.measurement_id: m.backbone for m, _ in measured}
    may_be = [names[each.measurement_id] for each in found.may_be_first]
    return found.is_sure, may_be, found.interval_confidence


FAR = [
    _measured("A", (5, 5.01, 5.02, 4.99, 5)),
    _measured("B", (7, 7.01, 7.02, 6.99, 7)),
    _measured("C", (9, 9.01, 9.02, 8.99, 9)),
]


def test_whom_all_intervals_leave_ahead_is_surely_the_first() -> None:
    is_sure, may_be, level = _certainty_of(*FAR)
    assert (is_sure, may_be) == (True, ["A"])
    assert level == pytest.approx(0.95 ** (1 / 3))


def test_whose_intervals_overlap_may_be_the_first() -> None:
    near = _measured("D", (5.01, 5.0, 5.03, 4.98, 5.01))
    is_sure, may_be, _ = _certainty_of(*FAR, near)
    assert (is_sure, sorted(may_be)) == (False, ["A", "D"])


def test_the_more_candidates_there_are_the_wider_each_interval_is() -> None:
    samples = [np.array([5.0, 5.1, 5.2]), np.array([5.1, 5.2, 5.3]), np.array([5.0, 5.2, 5.3])]
    low, high = median_interval(samples)
    wide_low, wide_high = median_interval(samples, 0.95 ** (1 / 20))
    assert wide_low < low < high < wide_high


def test_what_would_read_the_samples_of_too_many_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("controller.ranking.standing.certainty.MOST_SURE", 2)
    with pytest.raises(EdgerankError) as refused:
        _certainty_of(*FAR)
    assert refused.value.code is ErrorCode.INVALID_INPUT


def test_one_process_leaves_nobody_sure() -> None:
    alone = _measured("E", (50,))
    is_sure, may_be, _ = _certainty_of(*FAR, alone)
    assert (is_sure, may_be) == (False, ["A", "E"])

"""What every ranking promises, whatever was measured."""

from dataclasses import replace
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from controller.domain.measurements import LatencyFigures, Measurement, Verdict
from controller.domain.rankings import WITH_FIGURES, Candidate, Constraints, Merit, Ranking
from controller.ranking.entries import held_back
from controller.ranking.ranking import columns_to_rank, rank, rank_columns
from controller.ranking.standing.judging import in_scope
from controller.views.wording import candidates
from models.catalog.catalog import Catalog
from models.catalog.variants import WeightsKind
from protos.runtimes import Runtime
from tests.unit.controller.samples.measurements import DEVICE, figures, measurement

_names = st.sampled_from([f"Net{number}" for number in range(8)])
_top1 = {f"Net{number}": 66.0 + number // 2 * 4 for number in range(8)}


def _outcomes(latency: LatencyFigures) -> st.SearchStrategy[dict[str, Any]]:
    return st.sampled_from(Verdict).map(
        lambda verdict: {
            "verdict": verdict,
            "latency": None if verdict is Verdict.FAILED else latency,
        }
    )


@st.composite
def _measurements(draw: st.DrawFn) -> list[Measurement]:
    found = []
    for place in range(draw(st.integers(0, 14))):
        name = draw(_names)
        median_ms = draw(st.integers(1, 40)) / 2
        latency = figures(median_ms, draw(st.sampled_from([0, 0.1, 0.4])) * median_ms)
        found.append(
            measurement(
                name,
                top1=_top1[name],
                runtime=draw(st.sampled_from(Runtime)),
                threads=draw(st.integers(1, 2)),
                **draw(_outcomes(latency)),
                measurement_id=f"m{place}",
                weights=draw(st.sampled_from(WeightsKind)),
                measured_at_unix_ms=draw(st.integers(0, 3)),
            )
        )
    return found


_constraints = st.builds(
    Constraints,
    max_latency_ms=st.none() | st.integers(1, 20).map(float),
    max_memory_bytes=st.none() | st.sampled_from([10**7, 10**8]),
    min_top1=st.none() | st.sampled_from([68.0, 72.0, 90.0]),
    runtime=st.none() | st.sampled_from(Runtime),
    threads=st.none() | st.integers(1, 2),
    by=st.none() | st.sampled_from(Merit),
    only=st.lists(st.sampled_from(WITH_FIGURES), unique=True).map(tuple),
)
_cases = given(_measurements(), _constraints)


def _rank(measurements: list[Measurement], constraints: Constraints) -> Ranking:
    return rank(DEVICE, measurements, constraints, Catalog([]))


def _what(found: Measurement) -> tuple[str, Runtime, int, WeightsKind]:
    """What measurements have in common that stand for each other."""
    return found.backbone, found.runtime, found.threads, found.weights


def _point(candidate: Candidate) -> tuple[float, float]:
    latency, top1 = candidate.measurement.latency, candidate.measurement.top1
    assert latency is not None
    assert top1 is not None
    return top1, latency.median_ms


def _dominates(one: Candidate, other: Candidate) -> bool:
    (top1, median), (other_top1, other_median) = _point(one), _point(other)
    return (
        top1 >= other_top1
        and median <= other_median
        and (top1, median) != (other_top1, other_median)
    )


def _satisfies(candidate: Candidate, constraints: Constraints) -> bool:
    found, latency, memory = (
        candidate.measurement,
        candidate.measurement.latency,
        candidate.measurement.memory,
    )
    assert latency is not None
    assert memory is not None
    return (
        (constraints.max_latency_ms is None or latency.high_ms <= constraints.max_latency_ms)
        and (
            constraints.max_memory_bytes is None
            or memory.peak_rss_bytes <= constraints.max_memory_bytes
        )
        and (constraints.min_top1 is None or (found.top1 or 0) >= constraints.min_top1)
        and constraints.runtime in (None, found.runtime)
        and constraints.threads in (None, found.threads)
    )


@_cases
def test_the_winner_and_its_ties_satisfy_the_constraints(
    measurements: list[Measurement], constraints: Constraints
) -> None:
    ranking = _rank(measurements, constraints)
    for candidate in (*ranking.ties, *([ranking.winner] if ranking.winner else [])):
        assert _satisfies(candidate, constraints)


@_cases
def test_there_is_a_winner_exactly_when_a_candidate_satisfies_the_constraints(
    measurements: list[Measurement], constraints: Constraints
) -> None:
    ranking = _rank(measurements, constraints)
    satisfied = any(_satisfies(candidate, constraints) for candidate in candidates(ranking))
    assert (ranking.winner is not None) == satisfied


@_cases
def test_the_front_is_undominated_and_dominates_all_others_within_the_constraints(
    measurements: list[Measurement], constraints: Constraints
) -> None:
    ranking = _rank(measurements, constraints)
    front = ranking.pareto_front
    for candidate in candidates(ranking):
        if _satisfies(candidate, constraints):
            is_dominated = any(_dominates(other, candidate) for other in front)
            assert is_dominated != (candidate in front)
        else:
            assert candidate in ranking.others


@_cases
def test_the_winner_is_on_the_front_and_only_it_has_no_reason(
    measurements: list[Measurement], constraints: Constraints
) -> None:
    ranking = _rank(measurements, constraints)
    for candidate in candidates(ranking):
        assert (candidate.lost_because == ()) == (candidate == ranking.winner)
        assert candidate.on_pareto_front == (candidate in ranking.pareto_front)
    assert (
        ranking.winner is None
        or ranking.winner in ranking.pareto_front
        or ranking.merit is Merit.MEMORY
    )


@_cases
def test_each_candidate_is_told_once_fastest_first(
    measurements: list[Measurement], constraints: Constraints
) -> None:
    ranking = _rank(measurements, constraints)
    for group in (ranking.pareto_front, ranking.ties, ranking.others):
        medians = [_point(candidate)[1] for candidate in group]
        assert medians == sorted(medians)
    told = [c.measurement.measurement_id for c in (*ranking.pareto_front, *ranking.others)]
    assert len(told) == len(set(told))


@given(_measurements(), _constraints, st.randoms())
def test_only_the_order_of_a_candidates_own_measurements_matters(
    measurements: list[Measurement], constraints: Constraints, random: Random
) -> None:
    order = [_what(found) for found in measurements]
    in_time = {key: [m for m in measurements if _what(m) == key] for key in order}
    random.shuffle(order)
    shuffled = [in_time[key].pop(0) for key in order]
    assert _rank(shuffled, constraints) == _rank(measurements, constraints)


@_cases
def test_all_that_is_known_of_a_candidate_is_its_last_measurement_of_the_best_kind(
    measurements: list[Measurement], constraints: Constraints
) -> None:
    last: dict[object, Measurement] = {}
    for verdicts in reversed(constraints.preference):
        last |= {
            _what(found): found
            for found in measurements
            if found.verdict in verdicts
            and constraints.runtime in (None, found.runtime)
            and constraints.threads in (None, found.threads)
        }
    told = {
        _what(candidate.measurement): candidate.measurement
        for candidate in candidates(_rank(measurements, constraints))
    }
    assert told == last


@_cases
def test_no_candidate_disappears_for_its_verdict_unless_it_is_asked_for(
    measurements: list[Measurement], constraints: Constraints
) -> None:
    ranking = _rank(measurements, replace(constraints, only=()))
    assert held_back(ranking.left_out) == []
    told = {_what(candidate.measurement) for candidate in candidates(ranking)}
    for left in ranking.left_out:
        assert left.measurement.latency is None or _what(left.measurement) in told


@_cases
def test_every_setting_is_told_by_its_last_figure_ranked_or_left_out(
    measurements: list[Measurement], constraints: Constraints
) -> None:
    ranking = _rank(measurements, constraints)
    last = {
        _what(found): found.measurement_id
        for found in measurements
        if constraints.runtime in (None, found.runtime)
        and constraints.threads in (None, found.threads)
    }
    ranked = {candidate.measurement.measurement_id for candidate in candidates(ranking)}
    left_out = {left.measurement.measurement_id for left in ranking.left_out}
    assert set(last.values()) <= ranked | left_out
    assert not ranked & left_out


@_cases
def test_asking_for_the_verdicts_that_are_named_gives_a_winner(
    measurements: list[Measurement], constraints: Constraints
) -> None:
    ranking = _rank(measurements, constraints)
    if ranking.would_win_with:
        assert ranking.winner is None
        assert not set(constraints.only) & set(ranking.would_win_with)
        wider = replace(constraints, only=(*constraints.only, *ranking.would_win_with))
        assert _rank(measurements, wider).winner is not None


@_cases
def test_what_is_held_back_and_no_other_newcomer_is_a_candidate_once_nothing_is_asked_for(
    measurements: list[Measurement], constraints: Constraints
) -> None:
    ranking = _rank(measurements, constraints)
    ranked = {candidate.measurement.measurement_id for candidate in candidates(ranking)}
    held = {entry.id for entry in held_back(ranking.left_out)}
    everything = _rank(measurements, replace(constraints, only=()))
    told = {candidate.measurement.measurement_id for candidate in candidates(everything)}
    assert held == told - ranked


@_cases
@settings(max_examples=50)
def test_a_dominated_newcomer_changes_no_winner_and_no_front(
    measurements: list[Measurement], constraints: Constraints
) -> None:
    before = _rank(measurements, constraints)
    if before.winner is None:
        return
    best, latency = before.winner.measurement, before.winner.measurement.latency
    assert latency is not None
    worse = replace(
        best,
        measurement_id="newcomer",
        backbone="Newcomer",
        top1=(best.top1 or 0) - 0.5,
        latency=replace(latency, median_ms=latency.high_ms + 1, high_ms=latency.high_ms + 2),
    )
    after = _rank([*measurements, worse], constraints)
    assert after.winner is not None
    assert after.winner.measurement == best
    assert [c.measurement for c in after.pareto_front] == [
        c.measurement for c in before.pareto_front
    ]


@_cases
def test_latency_ties_are_mutual(measurements: list[Measurement], constraints: Constraints) -> None:
    shown = list(candidates(_rank(measurements, constraints)))
    for one in shown:
        for other in shown:
            if one is not other:
                a, b = one.measurement, other.measurement
                assert a.latency is not None
                assert b.latency is not None
                overlaps = (
                    a.latency.low_ms <= b.latency.high_ms and b.latency.low_ms <= a.latency.high_ms
                )
                assert (b.measurement_id in one.latency_ties) == overlaps


@given(_measurements(), st.lists(_constraints, min_size=2, max_size=5))
@settings(max_examples=60)
def test_what_was_asked_before_changes_no_answer(
    measurements: list[Measurement], questions: list[Constraints]
) -> None:
    kept = columns_to_rank(DEVICE, measurements, Constraints())
    for constraints in questions:
        here = replace(kept, rows=in_scope(kept.columns, constraints))
        assert rank_columns(here, constraints, Catalog([])) == _rank(measurements, constraints)

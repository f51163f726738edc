"""What constraints exclude, and which of them leaves nothing."""

from dataclasses import replace

import pytest

from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.rankings import Constraints, Merit, Ranking, check_constraints
from controller.domain.rankings.limits import Bound, Criterion, Limit
from controller.ranking.ranking import rank
from models.catalog.catalog import Catalog
from models.catalog.precisions import Precision
from protos.reasons import ReasonCode
from tests.unit.controller.samples.measurements import DEVICE, backbone, measurement

FAST = replace(
    measurement("Fast", 5, top1=70), artifact_size_bytes=4_000_000, params_m=2.0, series="A"
)
GOOD = replace(
    measurement("Good", 20, top1=78), artifact_size_bytes=20_000_000, params_m=8.0, series="B"
)
BEST = replace(
    measurement("Best", 41, 0, top1=82), artifact_size_bytes=90_000_000, params_m=20.0, series="B"
)
KNOWN = Catalog(
    [
        backbone("Fast", 70, series="A"),
        backbone("Good", 78, series="B", distilled=True),
        backbone("Best", 82, series="B", extra_data=True),
    ]
)


def at_most(criterion: Criterion, value: float) -> Limit:
    return Limit(criterion=criterion, bound=Bound.AT_MOST, value=value)


def ranked(constraints: Constraints) -> Ranking:
    return rank(DEVICE, [FAST, GOOD, BEST], constraints, KNOWN)


def winner(constraints: Constraints) -> str | None:
    found = ranked(constraints).winner
    return None if found is None else found.measurement.backbone


@pytest.mark.parametrize(
    ("constraints", "wins"),
    [
        (Constraints(limits=(at_most(Criterion.P90, 22),)), "Good"),
        (Constraints(limits=(at_most(Criterion.P99, 22),)), "Fast"),
        (Constraints(limits=(at_most(Criterion.ARTIFACT_SIZE, 5e6),)), "Fast"),
        (Constraints(limits=(at_most(Criterion.PARAMS, 8),)), "Good"),
        (Constraints(series=("b",), by=Merit.LATENCY), "Good"),
        (Constraints(distilled=True), "Good"),
        (Constraints(distilled=False, by=Merit.ACCURACY), "Best"),
        (Constraints(extra_data=False, by=Merit.ACCURACY), "Good"),
        (Constraints(precision=Precision.FP32, by=Merit.ACCURACY), "Best"),
        (Constraints(precision=Precision.FP16, by=Merit.ACCURACY), None),
        (
            Constraints(
                limits=(Limit(criterion=Criterion.PARAMS, bound=Bound.AT_LEAST, value=10),)
            ),
            "Best",
        ),
    ],
)
def test_what_wins_satisfies_every_constraint(constraints: Constraints, wins: str | None) -> None:
    assert winner(constraints) == wins


def test_a_limit_on_what_a_candidate_costs_leaves_the_most_accurate_to_win() -> None:
    assert Constraints(limits=(at_most(Criterion.PARAMS, 8),)).merit is Merit.ACCURACY


def test_an_unknown_figure_is_within_no_limit() -> None:
    unknown = replace(FAST, params_m=None)
    ranking = rank(DEVICE, [unknown], Constraints(limits=(at_most(Criterion.PARAMS, 100),)), KNOWN)
    (lost,) = ranking.others
    assert [each.code for each in lost.lost_because] == [ReasonCode.FIGURE_UNKNOWN]


def test_contradictory_limits_say_what_each_excludes_and_the_nearest_miss() -> None:
    ranking = ranked(Constraints(min_top1=80, max_latency_ms=20))
    assert ranking.winner is None
    latency, top1 = ranking.limit_effects
    assert (latency.criterion, latency.excluded, latency.would_leave) == (Criterion.LATENCY, 2, 1)
    assert latency.nearest == BEST
    assert (latency.figure, latency.over) == (41, 21)
    assert (top1.criterion, top1.excluded, top1.would_leave) == (Criterion.TOP1, 2, 1)
    assert top1.nearest == FAST
    assert (top1.figure, top1.over) == (70, 10)


def test_where_no_single_limit_is_to_blame_the_nearest_of_all_is_told() -> None:
    ranking = ranked(
        Constraints(max_latency_ms=1, limits=(at_most(Criterion.ARTIFACT_SIZE, 1000),))
    )
    assert [effect.would_leave for effect in ranking.limit_effects] == [0, 0]
    assert [effect.nearest for effect in ranking.limit_effects] == [FAST, FAST]


def test_of_another_kind_the_fastest_is_told() -> None:
    (effect,) = ranked(Constraints(series=("ReXNet",))).limit_effects
    assert (effect.criterion, effect.excluded) == (Criterion.SERIES, 3)
    assert (effect.nearest, effect.over) == (FAST, None)


def test_a_winner_needs_no_word_on_limits() -> None:
    assert ranked(Constraints(max_latency_ms=30)).limit_effects == ()


@pytest.mark.parametrize(
    "constraints",
    [
        Constraints(limits=(at_most(Criterion.SERIES, 1),)),
        Constraints(limits=(at_most(Criterion.P90, -1),)),
        Constraints(limits=(at_most(Criterion.P90, float("inf")),)),
        Constraints(limits=(at_most(Criterion.P90, float("nan")),)),
        Constraints(front=(Criterion.LATENCY,)),
        Constraints(front=(Criterion.LATENCY, Criterion.LATENCY)),
        Constraints(front=(Criterion.LATENCY, Criterion.TIER)),
        Constraints(front=(Criterion.LATENCY, Criterion.TOP1, Criterion.MEMORY, Criterion.PARAMS)),
        Constraints(confidence=1.0),
        Constraints(confidence=0.4),
        Constraints(confidence=0.95, by=Merit.VALUE),
        Constraints(confidence=0.95, at_minute=3),
    ],
)
def test_what_no_figure_can_be_of_is_refused(constraints: Constraints) -> None:
    with pytest.raises(EdgerankError) as refused:
        check_constraints(constraints)
    assert refused.value.code is ErrorCode.INVALID_INPUT

"""By what the winner is chosen, and who ties with it then."""

from dataclasses import replace

import pytest

from controller.domain.measurements import Measurement, MemoryFigures
from controller.domain.rankings import Candidate, Constraints, Merit, Ranking
from controller.ranking.ranking import rank
from controller.views.wording import candidates
from models.catalog.catalog import Catalog
from models.catalog.variants import WeightsKind
from protos.reasons import Reason, ReasonCode
from tests.unit.controller.samples.measurements import DEVICE, measurement
from tests.unit.controller.samples.reasons import about

NO_LIMITS = Constraints()


def _rank(*measurements: Measurement, within: Constraints = NO_LIMITS) -> Ranking:
    return rank(DEVICE, measurements, within, Catalog([]))


def _winner(ranking: Ranking) -> str | None:
    return None if ranking.winner is None else ranking.winner.measurement.measurement_id


def _candidate(ranking: Ranking, name: str) -> Candidate:
    return next(each for each in candidates(ranking) if each.measurement.backbone == name)


def _lost_because(ranking: Ranking, name: str) -> tuple[Reason, ...]:
    return _candidate(ranking, name).lost_because


FRONT = (
    measurement("Fastest", 2, 0.01, top1=60),
    measurement("Knee", 4, 0.01, top1=74),
    measurement("Later", 16, 0.01, top1=78),
    measurement("Slowest", 64, 0.01, top1=80),
)


def test_without_limits_the_knee_wins_and_the_ends_are_known() -> None:
    ranking = _rank(*FRONT)
    assert _winner(ranking) == "Knee-onnxruntime-1"
    assert ranking.merit is Merit.VALUE
    first = {c.measurement.backbone: c.first_by for c in ranking.pareto_front}
    # All need the same memory, of which the fastest is the first.
    assert first == {
        "Fastest": (Merit.LATENCY, Merit.MEMORY),
        "Knee": (Merit.VALUE,),
        "Later": (),
        "Slowest": (Merit.ACCURACY,),
    }
    assert ranking.ties == ()


@pytest.mark.parametrize(
    ("by", "winner"),
    [
        (Merit.LATENCY, "Fastest"),
        (Merit.ACCURACY, "Slowest"),
        (Merit.MEMORY, "Fastest"),
        (Merit.VALUE, "Knee"),
    ],
)
@pytest.mark.parametrize("within", [NO_LIMITS, Constraints(max_latency_ms=99, min_top1=50)])
def test_what_is_asked_for_decides_whatever_the_limits(
    by: Merit, winner: str, within: Constraints
) -> None:
    ranking = _rank(*FRONT, within=replace(within, by=by))
    assert _winner(ranking) == f"{winner}-onnxruntime-1"


def test_what_could_be_the_knee_within_its_interval_is_a_tie() -> None:
    fastest, _, later, slowest = FRONT
    knee = measurement("Knee", 6, 3, top1=74)
    ranking = _rank(fastest, knee, measurement("Near", 8, 3, top1=75), later, slowest)
    assert _winner(ranking) == "Knee-onnxruntime-1"
    assert [tie.measurement.backbone for tie in ranking.ties] == ["Near", "Later"]
    assert [r.code for r in ranking.ties[0].lost_because] == [ReasonCode.TIED_BY_VALUE]


def test_of_two_the_fastest_is_no_better_value_unless_it_is_faster() -> None:
    tied = _rank(measurement("A", 5, 0.2, top1=70), measurement("B", 5.1, 0.2, top1=77))
    assert _winner(tied) == "B-onnxruntime-1"
    apart = _rank(measurement("A", 5, 0.1, top1=70), measurement("B", 50, 0.1, top1=77))
    assert _winner(apart) == "A-onnxruntime-1"
    assert [tie.measurement.backbone for tie in apart.ties] == ["B"]


def test_by_latency_what_has_no_known_accuracy_is_ranked_too() -> None:
    own = measurement("Own", 3, top1=None, weights=WeightsKind.OWN)
    known = measurement("Known", 5, top1=75)
    assert _winner(_rank(own, known)) == "Known-onnxruntime-1"
    ranking = _rank(own, known, within=Constraints(by=Merit.LATENCY))
    assert _winner(ranking) == "Own-onnxruntime-1"
    assert ranking.left_out == ()
    assert _lost_because(ranking, "Known") == (
        about(ReasonCode.SLOWER_THAN_WINNER, median_ms=5, other_median_ms=3),
    )
    asked = Constraints(by=Merit.LATENCY, min_top1=70)
    assert _winner(_rank(own, known, within=asked)) == "Known-onnxruntime-1"


def test_by_memory_overlapping_processes_are_a_tie_and_unknown_cannot_win() -> None:
    def needing(name: str, least: int, most: int) -> Measurement:
        memory = MemoryFigures(
            peak_rss_bytes=most, baseline_rss_bytes=0, least_peak_rss_bytes=least
        )
        return measurement(name, 5, memory=memory)

    ranking = _rank(
        needing("A", 10, 20),
        needing("B", 15, 30),
        needing("C", 40, 50),
        measurement("D", 1, memory=None),
        within=Constraints(by=Merit.MEMORY),
    )
    assert _winner(ranking) == "A-onnxruntime-1"
    assert [tie.measurement.backbone for tie in ranking.ties] == ["B"]
    assert [r.code for r in _lost_because(ranking, "C")] == [ReasonCode.MORE_MEMORY_THAN_WINNER]
    assert [r.code for r in _lost_because(ranking, "D")] == [ReasonCode.MEMORY_UNKNOWN]


def test_who_needs_the_least_memory_wins_though_beaten_in_all_else_and_is_told_once() -> None:
    least, most = (MemoryFigures(peak_rss_bytes=mb * 10**6, baseline_rss_bytes=0) for mb in (5, 50))
    small = measurement("Small", 20, 0.01, top1=60, memory=least)
    ranking = _rank(
        small,
        measurement("Fast", 4, 0.01, top1=74, memory=most),
        within=Constraints(by=Merit.MEMORY),
    )
    assert _winner(ranking) == small.measurement_id
    assert ranking.others == ()
    shown = [each.measurement.backbone for each in candidates(ranking)]
    assert shown == ["Fast", "Small"]

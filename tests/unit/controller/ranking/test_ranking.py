"""Who wins under which constraints, who ties, and why the others lost."""

import pytest

from controller.domain.measurements import Measurement, MemoryFigures
from controller.domain.rankings import MOST_LATENCY_TIES, Candidate, Constraints, Merit, Ranking
from controller.ranking.ranking import rank
from models.catalog.catalog import Catalog
from models.catalog.tiers import Tier
from models.catalog.variants import WeightsKind
from protos.reasons import Reason, ReasonCode, reason
from protos.runtimes import Runtime
from tests.unit.controller.samples.measurements import DEVICE, backbone, measurement
from tests.unit.controller.samples.reasons import about

NO_LIMITS = Constraints()
MOST_ACCURATE = Constraints(by=Merit.ACCURACY)
EMPTY = Catalog([])


def _rank(*measurements: Measurement, within: Constraints = NO_LIMITS) -> Ranking:
    return rank(DEVICE, measurements, within, EMPTY)


def _winner(ranking: Ranking) -> str | None:
    return None if ranking.winner is None else ranking.winner.measurement.measurement_id


def _candidate(ranking: Ranking, name: str) -> Candidate:
    shown = (*ranking.pareto_front, *ranking.ties, *ranking.others)
    return next(candidate for candidate in shown if candidate.measurement.backbone == name)


def _lost_because(ranking: Ranking, name: str) -> tuple[Reason, ...]:
    return _candidate(ranking, name).lost_because


class TestWinner:
    def test_it_has_the_highest_top1_of_those_within_the_limits(self) -> None:
        ranking = _rank(
            measurement("Small", 4, top1=70),
            measurement("Good", 15, top1=76),
            measurement("Slow", 40, top1=80),
            within=Constraints(max_latency_ms=20),
        )
        assert _winner(ranking) == "Good-onnxruntime-1"
        assert ranking.merit is Merit.ACCURACY

    def test_of_equally_accurate_ones_the_faster_wins(self) -> None:
        ranking = _rank(measurement("A", 9), measurement("A", 5, runtime=Runtime.PADDLELITE))
        assert _winner(ranking) == "A-paddlelite-1"

    def test_with_only_an_accuracy_asked_for_the_fastest_wins(self) -> None:
        ranking = _rank(
            measurement("Small", 4, top1=70),
            measurement("Good", 15, top1=76),
            measurement("Slow", 40, top1=80),
            within=Constraints(min_top1=75),
        )
        assert _winner(ranking) == "Good-onnxruntime-1"
        assert ranking.merit is Merit.LATENCY

    def test_an_accuracy_beside_another_limit_leaves_the_most_accurate_to_win(self) -> None:
        within = Constraints(min_top1=75, max_latency_ms=20)
        ranking = _rank(measurement("A", 5, top1=76), measurement("B", 15, top1=78), within=within)
        assert _winner(ranking) == "B-onnxruntime-1"

    def test_nothing_measured_is_an_answer(self) -> None:
        assert _rank() == Ranking(device=DEVICE, constraints=NO_LIMITS)

    def test_another_devices_measurement_does_not_count(self) -> None:
        assert _winner(_rank(measurement("A", device="laptop"))) is None

    def test_only_the_runtime_and_threads_asked_for_are_looked_at(self) -> None:
        ranking = _rank(
            measurement("A", 5, threads=1),
            measurement("A", 3, threads=2),
            measurement("A", 1, threads=2, runtime=Runtime.PADDLELITE),
            within=Constraints(runtime=Runtime.ONNXRUNTIME, threads=2),
        )
        assert _winner(ranking) == "A-onnxruntime-2"
        assert ranking.others == ()


class TestLimits:
    def test_an_interval_that_crosses_the_limit_is_not_within_it(self) -> None:
        ranking = _rank(measurement("A", 19.9, 1), within=Constraints(max_latency_ms=20))
        assert ranking.winner is None
        assert _lost_because(ranking, "A") == (
            about(ReasonCode.LATENCY_CROSSES_LIMIT, low_ms=18.9, high_ms=20.9, limit_ms=20),
        )

    def test_an_interval_that_ends_at_the_limit_is_within_it(self) -> None:
        ranking = _rank(measurement("A", 19, 1), within=Constraints(max_latency_ms=20))
        assert _winner(ranking) == "A-onnxruntime-1"

    def test_all_broken_limits_are_named(self) -> None:
        within = Constraints(max_latency_ms=20, max_memory_bytes=30_000_000, min_top1=75.5)
        ranking = _rank(measurement("A", 30, 1, top1=75), within=within)
        assert _lost_because(ranking, "A") == (
            about(ReasonCode.LATENCY_OVER_LIMIT, low_ms=29, high_ms=31, limit_ms=20),
            about(ReasonCode.MEMORY_OVER_LIMIT, peak_rss_bytes=40_000_000, limit_bytes=30_000_000),
            about(ReasonCode.TOP1_UNDER_LIMIT, top1_percent=75, limit_percent=75.5),
        )

    def test_unknown_memory_is_not_within_a_limit(self) -> None:
        within = Constraints(max_memory_bytes=10**9)
        ranking = _rank(measurement("A", memory=None), within=within)
        assert _lost_because(ranking, "A") == (reason(ReasonCode.MEMORY_UNKNOWN),)

    def test_memory_at_the_limit_is_within_it(self) -> None:
        memory = MemoryFigures(peak_rss_bytes=80_000_000, baseline_rss_bytes=0)
        within = Constraints(max_memory_bytes=80_000_000)
        assert _winner(_rank(measurement("A", memory=memory), within=within)) is not None

    def test_a_backbone_outside_the_tier_cannot_win_and_hears_why(self) -> None:
        known = Catalog(
            [backbone("Good", 76.0), backbone("Heavy", 80.0, flops_g=9.0), backbone("Other", 77.0)]
        )
        measured = [
            measurement("Good", 5, top1=76),
            measurement("Heavy", 9, top1=80),
            measurement("Stranger", 4, top1=70),
        ]
        ranking = rank(DEVICE, measured, Constraints(tier=Tier.MOBILE), known)
        assert _winner(ranking) == "Good-onnxruntime-1"
        (heavy,) = _lost_because(ranking, "Heavy")
        assert (heavy.code, heavy.words["tier"]) == (ReasonCode.OUTSIDE_TIER, "mobile")
        assert heavy.words["detail"].startswith("9 G")
        assert _lost_because(ranking, "Stranger") == (
            reason(ReasonCode.NOT_IN_CATALOG, {"tier": "mobile"}),
        )
        assert ranking.unmeasured == ("Other",)

    def test_of_a_series_of_a_tier_the_best_one_counts_and_the_others_hear_so(self) -> None:
        known = Catalog([backbone(f"Net_{top1}", top1, flops_g=2.0) for top1 in (70, 76)])
        measured = [measurement(f"Net_{top1}", top1, top1=top1) for top1 in (70, 76)]
        ranking = rank(DEVICE, measured, Constraints(tier=Tier.DESKTOP), known)
        assert _winner(ranking) == "Net_76-onnxruntime-1"
        assert _lost_because(ranking, "Net_70") == (
            reason(ReasonCode.SURPASSED_IN_SERIES, {"tier": "desktop"}),
        )


class TestTies:
    def test_the_same_top1_and_overlapping_intervals_cannot_be_told_apart(self) -> None:
        ranking = _rank(measurement("A", 5, 0.2), measurement("B", 5.1, 0.2))
        assert _winner(ranking) == "A-onnxruntime-1"
        (tie,) = ranking.ties
        both = {"low_ms": 4.9, "high_ms": 5.3, "winner_low_ms": 4.8, "winner_high_ms": 5.2}
        assert tie.lost_because == (about(ReasonCode.TIED_BY_ALL, **both),)

    def test_the_same_top1_known_to_be_slower_is_no_tie(self) -> None:
        ranking = _rank(measurement("A", 5, 0.1), measurement("B", 9, 0.1))
        assert ranking.ties == ()
        assert _lost_because(ranking, "B") == (
            about(
                ReasonCode.DOMINATED,
                {"other": "A-onnxruntime-1"},
                top1_percent=75,
                other_top1_percent=75,
                median_ms=9,
                other_median_ms=5,
            ),
        )

    def test_where_the_fastest_wins_an_overlap_is_a_tie_whatever_the_top1(self) -> None:
        within = Constraints(min_top1=70)
        ranking = _rank(
            measurement("A", 5, 0.2, top1=71), measurement("B", 5.1, 0.2, top1=75), within=within
        )
        (tie,) = ranking.ties
        both = {"low_ms": 4.9, "high_ms": 5.3, "winner_low_ms": 4.8, "winner_high_ms": 5.2}
        assert tie.measurement.backbone == "B"
        assert tie.lost_because == (about(ReasonCode.TIED_BY_LATENCY, **both),)

    def test_every_candidate_names_those_whose_interval_overlaps(self) -> None:
        ranking = _rank(
            measurement("A", 5, 0.2, top1=70),
            measurement("B", 5.3, 0.2, top1=75, runtime=Runtime.PADDLELITE, threads=2),
            measurement("C", 9, 0.2, top1=80),
        )
        ties = {c.measurement.backbone: c.latency_ties for c in ranking.pareto_front}
        assert ties == {"A": ("B-paddlelite-2",), "B": ("A-onnxruntime-1",), "C": ()}

    def test_of_many_ties_the_nearest_are_named_and_all_counted(self) -> None:
        many = [measurement(f"B{place:02}", 5 + place / 100, 9) for place in range(40)]
        (first, *_) = _rank(*many, within=Constraints(by=Merit.LATENCY)).pareto_front
        assert first.latency_tie_count == 39
        assert first.latency_ties == tuple(
            f"B{place:02}-onnxruntime-1" for place in range(1, MOST_LATENCY_TIES + 1)
        )

    def test_ties_that_differ_by_their_weights_alone_are_told_apart(self) -> None:
        ranking = _rank(
            measurement("A", 5, measurement_id="1"),
            measurement("A", 5, measurement_id="2", weights=WeightsKind.SYNTHETIC),
            measurement("B", 5.1, top1=80),
            within=MOST_ACCURATE,
        )
        assert ranking.winner is not None
        assert ranking.winner.latency_ties == ("1", "2")


class TestReasons:
    def test_the_front_is_fastest_first_and_says_what_each_gives_up(self) -> None:
        ranking = _rank(
            measurement("A", 4, top1=73.5), measurement("B", 12.4, top1=77.8), within=MOST_ACCURATE
        )
        assert [c.measurement.backbone for c in ranking.pareto_front] == ["A", "B"]
        assert _lost_because(ranking, "A") == (
            about(
                ReasonCode.OFF_THE_WINNER,
                top1_percent=73.5,
                other_top1_percent=77.8,
                median_ms=4,
                other_median_ms=12.4,
            ),
        )
        assert _lost_because(ranking, "B") == ()

    def test_the_front_beyond_the_fastest_says_what_it_costs(self) -> None:
        ranking = _rank(
            measurement("A", 4, top1=73.5),
            measurement("B", 12.4, top1=77.8),
            within=Constraints(min_top1=70),
        )
        assert _lost_because(ranking, "B") == (
            about(
                ReasonCode.OFF_THE_WINNER,
                top1_percent=77.8,
                other_top1_percent=73.5,
                median_ms=12.4,
                other_median_ms=4,
            ),
        )

    @pytest.mark.parametrize(
        ("half_width_ms", "code"),
        [
            (0.01, ReasonCode.OFF_THE_WINNER),
            # A latency that is a tie is never called faster.
            (0.2, ReasonCode.OFF_THE_WINNER_AT_TIED_LATENCY),
        ],
    )
    def test_the_front_is_faster_where_the_intervals_are_apart_only(
        self, half_width_ms: float, code: ReasonCode
    ) -> None:
        ranking = _rank(
            measurement("A", 5, half_width_ms, top1=75),
            measurement("B", 5.1, half_width_ms, top1=77),
            within=MOST_ACCURATE,
        )
        assert [each.code for each in _lost_because(ranking, "A")] == [code]

    def test_who_is_beaten_in_both_hears_by_whom_and_by_how_much(self) -> None:
        ranking = _rank(measurement("A", 5, top1=77), measurement("B", 9, top1=75))
        assert _lost_because(ranking, "B") == (
            about(
                ReasonCode.DOMINATED,
                {"other": "A-onnxruntime-1"},
                top1_percent=75,
                other_top1_percent=77,
                median_ms=9,
                other_median_ms=5,
            ),
        )

    def test_a_latency_that_is_a_tie_is_never_called_faster(self) -> None:
        ranking = _rank(measurement("A", 5, 0.2, top1=77), measurement("B", 5.1, 0.2, top1=75))
        assert _lost_because(ranking, "B") == (
            about(
                ReasonCode.DOMINATED_AT_TIED_LATENCY,
                {"other": "A-onnxruntime-1"},
                top1_percent=75,
                other_top1_percent=77,
                median_ms=5.1,
                other_median_ms=5,
            ),
        )

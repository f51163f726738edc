from dataclasses import replace
from typing import Any

import pytest

from controller.domain.measurements import Measurement, MemoryFigures, Verdict
from controller.domain.rankings import INCLUDABLE, Constraints, Ranking
from controller.ranking.ranking import DatasetAccuracy, rank, winning_rule
from models.catalog.catalog import Catalog, load_catalog
from models.catalog.tiers import Tier
from models.catalog.variants import Precision, WeightsKind
from protos.measuring import MeasureSettings
from protos.runtimes import OnnxRuntimeOptions, Runtime
from tests.unit.controller.samples.measurements import (
    DEVICE,
    backbone,
    catalog,
    failed,
    measurement,
    sustained,
)

NO_LIMITS = Constraints()
EMPTY = Catalog([])


def _rank(*measurements: Measurement, within: Constraints = NO_LIMITS) -> Ranking:
    return rank(DEVICE, measurements, within, EMPTY)


def _winner(ranking: Ranking) -> str | None:
    return None if ranking.winner is None else ranking.winner.measurement.measurement_id


def _reason(ranking: Ranking, name: str) -> str:
    shown = (*ranking.pareto_front, *ranking.ties, *ranking.others)
    return next(c.lost_because for c in shown if c.measurement.backbone == name)


class TestWinner:
    def test_it_has_the_highest_top1_of_those_within_the_limits(self) -> None:
        ranking = _rank(
            measurement("Small", 4, top1=70),
            measurement("Good", 15, top1=76),
            measurement("Slow", 40, top1=80),
            within=Constraints(max_latency_ms=20),
        )
        assert _winner(ranking) == "Good-onnxruntime-1"
        assert "highest top-1" in winning_rule(ranking.constraints)

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
        assert "lowest median latency" in winning_rule(ranking.constraints)
        assert "75 %" in winning_rule(ranking.constraints)

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
        assert _reason(ranking, "A") == "its interval 18.9..20.9 ms crosses the limit of 20 ms"

    def test_an_interval_that_ends_at_the_limit_is_within_it(self) -> None:
        ranking = _rank(measurement("A", 19, 1), within=Constraints(max_latency_ms=20))
        assert _winner(ranking) == "A-onnxruntime-1"

    def test_all_broken_limits_are_named(self) -> None:
        within = Constraints(max_latency_ms=20, max_memory_bytes=30_000_000, min_top1=75.5)
        ranking = _rank(measurement("A", 30, 1, top1=75), within=within)
        assert _reason(ranking, "A") == (
            "its interval 29.0..31.0 ms is over the limit of 20 ms; "
            "its memory of 40.0 MB is over the limit of 30.0 MB; "
            "its top-1 of 75 % is under 75.5 %"
        )

    def test_unknown_memory_is_not_within_a_limit(self) -> None:
        within = Constraints(max_memory_bytes=10**9)
        ranking = _rank(measurement("A", memory=None), within=within)
        assert _reason(ranking, "A") == "its memory was not measured"

    def test_memory_at_the_limit_is_within_it(self) -> None:
        memory = MemoryFigures(peak_rss_bytes=80_000_000, baseline_rss_bytes=0)
        within = Constraints(max_memory_bytes=80_000_000)
        assert _winner(_rank(measurement("A", memory=memory), within=within)) is not None

    def test_a_backbone_outside_the_tier_cannot_win_and_hears_why(self) -> None:
        known = Catalog(
            [backbone("Good", 76.0), backbone("Heavy", 80.0, flops_g=9.0), backbone("Other", 77.0)]
        )
        measured = [measurement("Good", 5, top1=76), measurement("Heavy", 9, top1=80)]
        ranking = rank(DEVICE, measured, Constraints(tier=Tier.MOBILE), known)
        assert _winner(ranking) == "Good-onnxruntime-1"
        assert _reason(ranking, "Heavy") == (
            "not of the mobile tier: 9 G multiply-adds are not below 2 G"
        )
        assert ranking.unmeasured == ("Other",)


class TestTies:
    def test_the_same_top1_and_overlapping_intervals_cannot_be_told_apart(self) -> None:
        ranking = _rank(measurement("A", 5, 0.2), measurement("B", 5.1, 0.2))
        assert _winner(ranking) == "A-onnxruntime-1"
        (tie,) = ranking.ties
        assert tie.lost_because == (
            "cannot be told apart from the winner: the same top-1, and its interval "
            "4.90..5.30 ms overlaps the winner's 4.80..5.20 ms"
        )

    def test_the_same_top1_known_to_be_slower_is_no_tie(self) -> None:
        ranking = _rank(measurement("A", 5, 0.1), measurement("B", 9, 0.1))
        assert ranking.ties == ()
        assert _reason(ranking, "B") == (
            "A (onnxruntime, 1 thread, pretrained) has the same top-1 in 5.00 ms instead of 9.00 ms"
        )

    def test_where_the_fastest_wins_an_overlap_is_a_tie_whatever_the_top1(self) -> None:
        within = Constraints(min_top1=70)
        ranking = _rank(
            measurement("A", 5, 0.2, top1=71), measurement("B", 5.1, 0.2, top1=75), within=within
        )
        assert [tie.measurement.backbone for tie in ranking.ties] == ["B"]

    def test_every_candidate_names_those_whose_interval_overlaps(self) -> None:
        ranking = _rank(
            measurement("A", 5, 0.2, top1=70),
            measurement("B", 5.3, 0.2, top1=75, runtime=Runtime.PADDLELITE, threads=2),
            measurement("C", 9, 0.2, top1=80),
        )
        ties = {c.measurement.backbone: c.latency_ties for c in ranking.pareto_front}
        assert ties == {"A": ("B paddlelite 2",), "B": ("A onnxruntime 1",), "C": ()}

    def test_ties_that_differ_by_their_weights_alone_are_told_apart(self) -> None:
        ranking = _rank(
            measurement("A", 5, measurement_id="1"),
            measurement("A", 5, measurement_id="2", weights=WeightsKind.SYNTHETIC),
            measurement("B", 5.1, top1=80),
        )
        assert ranking.winner is not None
        assert ranking.winner.latency_ties == ("A onnxruntime 1", "A onnxruntime 1 synthetic")


class TestReasons:
    def test_the_front_is_fastest_first_and_says_what_each_gives_up(self) -> None:
        ranking = _rank(measurement("A", 4, top1=73.5), measurement("B", 12.4, top1=77.8))
        assert [c.measurement.backbone for c in ranking.pareto_front] == ["A", "B"]
        assert _reason(ranking, "A") == "73.5 % top-1, 4.3 points below the winner, 3.1x as fast"
        assert _reason(ranking, "B") == ""

    def test_the_front_beyond_the_fastest_says_what_it_costs(self) -> None:
        ranking = _rank(
            measurement("A", 4, top1=73.5),
            measurement("B", 12.4, top1=77.8),
            within=Constraints(min_top1=70),
        )
        assert _reason(ranking, "B") == (
            "77.8 % top-1, 4.3 points above the winner, 3.1x its latency"
        )

    def test_who_is_beaten_in_both_hears_by_whom_and_by_how_much(self) -> None:
        ranking = _rank(measurement("A", 5, top1=77), measurement("B", 9, top1=75))
        assert _reason(ranking, "B") == (
            "A (onnxruntime, 1 thread, pretrained) is more accurate and faster: "
            "77 % in 5.00 ms against 75 % in 9.00 ms"
        )

    def test_a_latency_that_is_a_tie_is_never_called_faster(self) -> None:
        ranking = _rank(measurement("A", 5, 0.2, top1=77), measurement("B", 5.1, 0.2, top1=75))
        assert _reason(ranking, "B") == (
            "A (onnxruntime, 1 thread, pretrained) is more accurate: "
            "77 % in 5.00 ms against 75 % in 5.10 ms (latency is a tie)"
        )


class TestWhatCounts:
    def test_the_last_usable_measurement_of_a_setting_counts(self) -> None:
        old, new = (measurement("A", ms, measurement_id=f"{ms} ms") for ms in (5, 9))
        assert _winner(_rank(old, new)) == "9 ms"
        assert _rank(old, new).others == ()

    def test_a_device_whose_clock_is_at_1970_is_measured_anew_all_the_same(self) -> None:
        old = measurement("A", 5, measurement_id="old")
        new = measurement("A", 9, measurement_id="new", measured_at_unix_ms=5_000)
        assert _winner(_rank(old, new)) == "new"

    def test_synthetic_weights_never_replace_pretrained_ones_nor_the_other_way_round(self) -> None:
        pretrained = measurement("A", 5, measurement_id="pretrained")
        synthetic = measurement("A", 9, measurement_id="synthetic", weights=WeightsKind.SYNTHETIC)
        for order in ((pretrained, synthetic), (synthetic, pretrained)):
            ranking = _rank(*order)
            assert _winner(ranking) == "pretrained"
            (other,) = ranking.others
            assert other.measurement.weights is WeightsKind.SYNTHETIC
            assert other.lost_because == (
                "A (onnxruntime, 1 thread, pretrained) has the same top-1 in 5.00 ms "
                "instead of 9.00 ms"
            )

    def test_a_failure_with_other_weights_does_not_speak_of_an_older_measurement(self) -> None:
        ranking = _rank(measurement("A"), failed("A", weights=WeightsKind.SYNTHETIC))
        (left_out,) = ranking.left_out
        assert left_out.reason == "its child was killed by SIGSEGV"

    def test_a_later_failure_does_not_hide_an_older_figure_and_is_told(self) -> None:
        ranking = _rank(measurement("A", 9, measurement_id="old"), failed("A"))
        assert _winner(ranking) == "old"
        (left_out,) = ranking.left_out
        assert left_out.reason == (
            "its child was killed by SIGSEGV; an older measurement counts instead"
        )

    @pytest.mark.parametrize("verdict", INCLUDABLE)
    def test_only_ok_counts_unless_another_verdict_is_included(self, verdict: Verdict) -> None:
        doubtful = measurement("A", verdict=verdict, reason="the clock fell to 600 MHz")
        ranking = _rank(doubtful)
        assert ranking.winner is None
        assert [m.reason for m in ranking.left_out] == ["the clock fell to 600 MHz"]
        included = _rank(doubtful, within=Constraints(include=(verdict,)))
        assert included.winner is not None
        assert included.winner.measurement == doubtful
        assert included.left_out == ()

    def test_what_failed_is_left_out_with_its_reason_whatever_is_included(self) -> None:
        ranking = _rank(failed("A"), within=Constraints(include=tuple(Verdict)))
        assert ranking.winner is None
        assert [m.reason for m in ranking.left_out] == ["its child was killed by SIGSEGV"]

    def test_a_later_figure_that_does_not_count_is_told_beside_the_older_that_does(self) -> None:
        old = measurement("A", 9, measurement_id="old")
        new = measurement("A", 5, verdict=Verdict.NOISY, reason="wide", measurement_id="new")
        ranking = _rank(old, new)
        assert _winner(ranking) == "old"
        assert [(m.measurement_id, m.reason) for m in ranking.left_out] == [
            ("new", "wide; an older measurement counts instead")
        ]
        assert _winner(_rank(old, new, within=Constraints(include=(Verdict.NOISY,)))) == "new"

    def test_a_failure_after_a_figure_that_does_not_count_does_not_hide_it(self) -> None:
        ranking = _rank(measurement("A", verdict=Verdict.NOISY), failed("A"))
        assert [m.verdict for m in ranking.left_out] == [Verdict.FAILED, Verdict.NOISY]

    def test_what_neither_its_verdict_nor_its_accuracy_lets_in_says_both(self) -> None:
        small = measurement("A", input_size=160, verdict=Verdict.NOISY, reason="wide")
        ranking = rank(DEVICE, [small], NO_LIMITS, catalog(A=75))
        (left_out,) = ranking.left_out
        assert left_out.reason == ("wide; accuracy is known for 224 px, it is not known for 160 px")
        assert left_out.top1 is None
        assert ranking.would_win_with == ()

    def test_without_published_accuracy_there_is_nothing_to_rank_by(self) -> None:
        (left_out,) = _rank(measurement("A", top1=None)).left_out
        assert left_out.reason == "no accuracy is published for it"

    def test_a_precision_whose_accuracy_is_not_known_is_left_out(self) -> None:
        (left_out,) = _rank(measurement("A", top1=None, precision=Precision.INT8_STATIC)).left_out
        assert left_out.reason == "its accuracy on ImageNet-1k is not known for int8-static"

    def test_a_precision_whose_own_accuracy_is_known_is_ranked_by_it(self) -> None:
        ranking = _rank(
            measurement("A", 10, top1=75),
            measurement(
                "A", 4, top1=73, precision=Precision.INT8_STATIC, measurement_id="quantised"
            ),
            within=Constraints(max_latency_ms=5),
        )
        assert _winner(ranking) == "quantised"

    def test_an_own_model_without_accuracy_is_told_how_to_bring_it(self) -> None:
        (left_out,) = _rank(measurement("A", top1=None, weights=WeightsKind.OWN)).left_out
        assert left_out.reason == (
            "its accuracy on ImageNet-1k is not known; 'edgerank accuracy import' takes it in"
        )

    def test_accuracy_is_not_credited_to_another_input_size(self) -> None:
        ranking = rank(DEVICE, [measurement("A", input_size=160)], NO_LIMITS, catalog(A=75))
        (left_out,) = ranking.left_out
        assert left_out.reason == "accuracy is known for 224 px, it is not known for 160 px"


class TestOnlyTheVerdictMissing:
    SETTINGS = MeasureSettings(
        runtime=Runtime.ONNXRUNTIME,
        threads=1,
        relative_half_width=0.01,
        time_budget_ms=1_500,
        input_shape=(1, 3, 224, 224),
        input_seed=1,
    )

    def test_the_verdicts_that_would_give_a_winner_are_named_the_mildest_first(self) -> None:
        measured = [
            measurement("A", verdict=Verdict.THROTTLED),
            measurement("B", verdict=Verdict.NOISY),
            measurement("Slow", 30, verdict=Verdict.UNSTABLE),
        ]
        ranking = _rank(*measured, within=Constraints(max_latency_ms=20))
        assert ranking.would_win_with == (Verdict.NOISY, Verdict.THROTTLED)

    def test_with_a_winner_none_is_named(self) -> None:
        ranking = _rank(measurement("A"), measurement("B", 5, top1=80, verdict=Verdict.NOISY))
        assert (_winner(ranking), ranking.would_win_with) == ("A-onnxruntime-1", ())
        assert ranking.suggested_sweep == ""

    def test_the_sweep_measures_them_again_the_best_first_in_twice_the_effort(self) -> None:
        told: dict[str, Any] = {"settings": self.SETTINGS, "repetitions_wanted": 12}
        measured = [
            measurement("A", top1=70, verdict=Verdict.NOISY, **told),
            measurement("B", top1=80, verdict=Verdict.UNSTABLE, threads=2, **told),
            measurement("Slow", 30, top1=90, verdict=Verdict.NOISY),
        ]
        within = Constraints(max_latency_ms=20)
        ranking = rank(DEVICE, measured, within, catalog(A=70, B=80, Slow=90, Other=85))
        assert ranking.suggested_sweep == (
            f"edgerank sweep --models B,A --devices {DEVICE} --runtimes onnxruntime "
            "--threads 1,2 --weights pretrained --repetitions 20 --time-budget 3000ms "
            "--precision 1%"
        )
        # They have figures, so only the other one was not measured.
        assert ranking.unmeasured == ("Other",)

    def test_the_sweep_measures_the_most_wanted_as_it_was_measured(self) -> None:
        onnxruntime = OnnxRuntimeOptions(spinning=False)
        told = replace(self.SETTINGS, cores=(4, 5, 6, 7), onnxruntime=onnxruntime)
        measured = [
            measurement("A", top1=80, verdict=Verdict.NOISY, settings=told),
            measurement("B", top1=79, verdict=Verdict.NOISY, settings=told),
            # One sweep could not measure these as well.
            measurement("C", top1=78, verdict=Verdict.NOISY, settings=self.SETTINGS),
            measurement(
                "D",
                top1=77,
                verdict=Verdict.NOISY,
                settings=told,
                weights=WeightsKind.SYNTHETIC,
            ),
        ]
        ranking = _rank(*measured, within=Constraints(max_latency_ms=20))
        assert ranking.suggested_sweep == (
            f"edgerank sweep --models A,B --devices {DEVICE} --runtimes onnxruntime --threads 1 "
            "--cores 4-7 --no-spinning --weights pretrained --repetitions 6 --time-budget 3000ms "
            "--precision 1%"
        )

    def test_a_sustained_one_is_sustained_again(self) -> None:
        measured = sustained("A", {1: 10, 2: 12}, verdict=Verdict.UNSTABLE)
        ranking = _rank(measured, within=Constraints(max_latency_ms=20, at_minute=2))
        assert "--threads 1 --sustained 2m --weights pretrained" in ranking.suggested_sweep

    def test_where_including_would_not_help_the_sweep_is_of_what_is_missing(self) -> None:
        slow = measurement("Slow", 30, verdict=Verdict.NOISY)
        within = Constraints(max_latency_ms=20)
        ranking = rank(DEVICE, [slow], within, catalog(Slow=75, Other=85))
        assert ranking.would_win_with == ()
        assert "--models Other " in ranking.suggested_sweep


class TestDatasets:
    def test_what_is_missing_is_what_has_accuracy_on_the_dataset(self) -> None:
        known = catalog(A=75, B=76, C=None)
        flowers = DatasetAccuracy("flowers", {"A": 93.0, "C": 91.0})
        ranking = rank(DEVICE, [], Constraints(min_top1=92), known, accuracy=flowers)
        assert ranking.accuracy_dataset == "flowers"
        assert ranking.unmeasured == ("A",)

    def test_a_tier_stays_what_it_is_on_another_dataset(self) -> None:
        known = Catalog([backbone("Good", 76.0), backbone("Heavy", 80.0, flops_g=9.0)])
        flowers = DatasetAccuracy("flowers", {"Good": 50.0, "Heavy": 60.0})
        ranking = rank(DEVICE, [], Constraints(tier=Tier.MOBILE), known, accuracy=flowers)
        assert ranking.unmeasured == ("Good",)


class TestWhatIsMissing:
    def test_without_any_measurement_a_sweep_of_promising_backbones_is_suggested(self) -> None:
        known = load_catalog()
        ranking = rank(DEVICE, [], NO_LIMITS, known)
        assert len(ranking.unmeasured) > 300
        words = ranking.suggested_sweep.split()
        assert words[:2] == ["edgerank", "sweep"]
        assert words[4:] == [
            *("--devices", DEVICE),
            *("--runtimes", "paddlelite,onnxruntime"),
            *("--threads", "1"),
            *("--weights", "pretrained"),
        ]
        assert 1 <= len([known.get(name) for name in words[3].split(",")]) <= 12

    def test_the_sweep_keeps_to_what_was_asked_for(self) -> None:
        known = catalog(A=76, B=78, C=60, D=None)
        within = Constraints(min_top1=75, runtime=Runtime.PADDLELITE, threads=4)
        ranking = rank("my pi", [], within, known)
        assert ranking.unmeasured == ("A", "B")
        assert ranking.suggested_sweep == (
            "edgerank sweep --models A,B --devices 'my pi' --runtimes paddlelite --threads 4 "
            "--weights pretrained"
        )

    @pytest.mark.parametrize(
        ("measured_with", "suggested"),
        [
            ((WeightsKind.SYNTHETIC, WeightsKind.SYNTHETIC), "synthetic"),
            ((WeightsKind.SYNTHETIC, WeightsKind.PRETRAINED), "pretrained"),
            ((WeightsKind.PRETRAINED, WeightsKind.PRETRAINED), "pretrained"),
        ],
    )
    def test_the_sweep_goes_on_with_the_weights_that_the_device_was_measured_with(
        self, measured_with: tuple[WeightsKind, ...], suggested: str
    ) -> None:
        measured = [measurement("Elsewhere", device="laptop")]
        measured += [
            measurement(f"Net{threads}", threads=threads, weights=weights)
            for threads, weights in enumerate(measured_with, start=1)
        ]
        within = Constraints(max_latency_ms=1, threads=1)
        ranking = rank(DEVICE, measured, within, catalog(B=80))
        assert ranking.suggested_sweep.endswith(f"--threads 1 --weights {suggested}")

    def test_only_runtimes_of_the_device_are_suggested(self) -> None:
        ranking = rank(DEVICE, [], NO_LIMITS, catalog(A=76), runtimes=[Runtime.ONNXRUNTIME])
        assert "--runtimes onnxruntime --threads" in ranking.suggested_sweep

    def test_a_whole_tier_is_named_as_such(self) -> None:
        ranking = rank(DEVICE, [], Constraints(tier=Tier.MOBILE), load_catalog())
        assert "--models tier:mobile " in ranking.suggested_sweep

    def test_a_failed_backbone_is_still_missing(self) -> None:
        ranking = rank(DEVICE, [failed("A", top1=76)], NO_LIMITS, catalog(A=76))
        assert ranking.unmeasured == ("A",)

    def test_with_a_winner_and_no_tier_nothing_is_missing(self) -> None:
        ranking = rank(DEVICE, [measurement("A")], NO_LIMITS, catalog(A=75, B=80))
        assert (ranking.unmeasured, ranking.suggested_sweep) == ((), "")

    def test_when_all_was_measured_no_sweep_helps(self) -> None:
        within = Constraints(max_latency_ms=1)
        ranking = rank(DEVICE, [measurement("A")], within, catalog(A=75))
        assert ranking.winner is None
        assert (ranking.unmeasured, ranking.suggested_sweep) == ((), "")

"""Which sweep is suggested where nothing wins, and what counts as missing."""

from dataclasses import replace
from typing import Any

import pytest

from controller.domain.cores import CoreChoice, Cores
from controller.domain.measurements import Measurement, Verdict
from controller.domain.rankings import MOST_BACKBONES, Constraints, Ranking
from controller.domain.sweeps import (
    DEFAULT_FEWEST_REPETITIONS,
    DEFAULT_GATE,
    DEFAULT_MOST_REPETITIONS,
    DEFAULT_RELATIVE_HALF_WIDTH,
    DEFAULT_TIME_BUDGET_MS,
    SweepSpec,
)
from controller.ranking.ranking import DatasetAccuracy, rank
from models.catalog.catalog import Catalog, load_catalog
from models.catalog.precisions import Precision
from models.catalog.tiers import Tier
from models.catalog.variants import WeightsKind
from protos.inputs import square
from protos.runtimes import OnnxRuntimeOptions, Runtime
from tests.unit.controller.samples.measurements import (
    DEVICE,
    backbone,
    catalog,
    failed,
    measurement,
    settings,
    sustained,
)

NO_LIMITS = Constraints()
WITHIN_20_MS = Constraints(max_latency_ms=20, only=(Verdict.OK,))
TOLD = settings(relative_half_width=0.03, time_budget_ms=1_500)
GAP = SweepSpec(
    backbones=("A",),
    devices=(DEVICE,),
    runtimes=tuple(Runtime),
    threads=(1,),
    weights=WeightsKind.PRETRAINED,
    fewest_repetitions=DEFAULT_FEWEST_REPETITIONS,
    most_repetitions=DEFAULT_MOST_REPETITIONS,
    relative_half_width=DEFAULT_RELATIVE_HALF_WIDTH,
    time_budget_ms=DEFAULT_TIME_BUDGET_MS,
    gate=DEFAULT_GATE,
    sentinel=True,
)
"""A sweep of what was not measured, as everything is by default."""

AGAIN = replace(
    GAP,
    runtimes=(Runtime.ONNXRUNTIME,),
    fewest_repetitions=3,
    most_repetitions=6,
    relative_half_width=0.03,
    time_budget_ms=3_000,
    precisions=(Precision.FP32,),
    batches=(1,),
    fresh=True,
)
"""A sweep that measures again what was measured as `TOLD`, in 3 repetitions."""


def _rank(*measurements: Measurement, within: Constraints = WITHIN_20_MS) -> Ranking:
    return rank(DEVICE, measurements, within, Catalog([]))


class TestOnlyTheVerdictMissing:
    def test_the_verdicts_that_would_give_a_winner_are_named_the_mildest_first(self) -> None:
        ranking = _rank(
            measurement("A", verdict=Verdict.THROTTLED),
            measurement("B", verdict=Verdict.WIDE),
            measurement("Slow", 30, verdict=Verdict.DISTURBED),
        )
        assert ranking.would_win_with == (Verdict.WIDE, Verdict.THROTTLED)

    def test_with_a_winner_none_is_named(self) -> None:
        ranking = _rank(measurement("A"), measurement("B", 5, top1=80, verdict=Verdict.WIDE))
        assert ranking.winner is not None
        assert ranking.winner.measurement.backbone == "A"
        assert ranking.would_win_with == ()
        assert ranking.suggested_sweep is None

    def test_the_sweep_measures_them_again_the_best_first_in_twice_the_effort(self) -> None:
        told: dict[str, Any] = {"settings": TOLD, "repetitions_wanted": 12}
        measured = [
            measurement("A", top1=70, verdict=Verdict.WIDE, **told),
            measurement("B", top1=80, verdict=Verdict.DISTURBED, threads=2, **told),
            measurement("Slow", 30, top1=90, verdict=Verdict.WIDE),
        ]
        ranking = rank(DEVICE, measured, WITHIN_20_MS, catalog(A=70, B=80, Slow=90, Other=85))
        assert ranking.suggested_sweep == replace(
            AGAIN, backbones=("B", "A"), threads=(1, 2), fewest_repetitions=12, most_repetitions=20
        )
        # They have figures, so only the other one was not measured.
        assert ranking.unmeasured == ("Other",)

    def test_the_sweep_measures_the_most_wanted_as_it_was_measured(self) -> None:
        onnxruntime = OnnxRuntimeOptions(spinning=False)
        unusual = replace(TOLD, cores=(4, 5, 6, 7), flush_denormals=True, onnxruntime=onnxruntime)
        told: dict[str, Any] = {"settings": unusual, "verdict": Verdict.WIDE}
        ranking = _rank(
            measurement("A", top1=80, **told),
            measurement("B", top1=79, **told),
            # One sweep could not measure these as well.
            measurement("C", top1=78, verdict=Verdict.WIDE, settings=TOLD),
            measurement("D", top1=77, weights=WeightsKind.SYNTHETIC, **told),
        )
        assert ranking.suggested_sweep == replace(
            AGAIN,
            backbones=("A", "B"),
            cores=Cores(choice=CoreChoice.LISTED, cpus=(4, 5, 6, 7)),
            flush_denormals=True,
            onnxruntime=onnxruntime,
        )

    def test_what_was_measured_at_another_size_is_measured_at_that_again(self) -> None:
        told: dict[str, Any] = {"settings": TOLD, "verdict": Verdict.WIDE}
        small = {**told, "input_size": square(160)}
        measured = [
            measurement("A", top1=80, **small),
            measurement("B", top1=79, **small),
            measurement("C", top1=78, **told),
        ]
        known = catalog(A=80, B=79, C=78)
        ranking = rank(DEVICE, measured, WITHIN_20_MS, known)
        assert ranking.suggested_sweep == replace(
            AGAIN, backbones=("A", "B"), input_sizes=(square(160),)
        )
        ranking = rank(DEVICE, measured[2:], WITHIN_20_MS, known)
        assert ranking.suggested_sweep == replace(AGAIN, backbones=("C",))

    def test_the_loosest_precision_that_was_asked_for_is_asked_for_again(self) -> None:
        strict = replace(TOLD, relative_half_width=0.01)
        ranking = _rank(
            measurement("A", verdict=Verdict.WIDE, settings=strict),
            measurement("B", verdict=Verdict.WIDE, settings=TOLD),
        )
        assert ranking.suggested_sweep == replace(AGAIN, backbones=("A", "B"))

    def test_a_sustained_one_is_sustained_again(self) -> None:
        measured = sustained("A", {1: 10, 2: 12}, verdict=Verdict.DISTURBED)
        ranking = _rank(measured, within=replace(WITHIN_20_MS, at_minute=2))
        assert ranking.suggested_sweep is not None
        assert ranking.suggested_sweep.sustained_minutes == 2
        assert ranking.suggested_sweep.threads == (1,)
        assert ranking.suggested_sweep.weights is WeightsKind.PRETRAINED

    def test_where_including_would_not_help_the_sweep_is_of_what_is_missing(self) -> None:
        slow = measurement("Slow", 30, verdict=Verdict.WIDE)
        ranking = rank(DEVICE, [slow], WITHIN_20_MS, catalog(Slow=75, Other=85))
        assert ranking.would_win_with == ()
        assert ranking.suggested_sweep == replace(GAP, backbones=("Other",))


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
        suggested = ranking.suggested_sweep
        assert suggested is not None
        assert suggested == replace(GAP, backbones=suggested.backbones)
        named = [known.get(name) for name in suggested.backbones]
        assert 1 <= len(named) <= MOST_BACKBONES
        # The cheapest first, and each costs more for a better accuracy only.
        assert named == sorted(named, key=lambda each: each.flops_g or 0)
        assert named == sorted(named, key=lambda each: each.top1 or 0)

    def test_the_sweep_keeps_to_what_was_asked_for(self) -> None:
        known = catalog(A=76, B=78, C=60, D=None)
        within = Constraints(min_top1=75, runtime=Runtime.PADDLELITE, threads=4)
        ranking = rank("my pi", [], within, known)
        assert ranking.unmeasured == ("A", "B")
        assert ranking.suggested_sweep == replace(
            GAP,
            backbones=("A", "B"),
            devices=("my pi",),
            runtimes=(Runtime.PADDLELITE,),
            threads=(4,),
        )

    def test_minutes_are_asked_for_in_one_repetition(self) -> None:
        ranking = rank(DEVICE, [], Constraints(at_minute=10), catalog(A=76))
        assert ranking.suggested_sweep == replace(
            GAP, sustained_minutes=10, fewest_repetitions=1, most_repetitions=1
        )

    @pytest.mark.parametrize(
        ("measured_with", "suggested"),
        [
            ((WeightsKind.SYNTHETIC, WeightsKind.SYNTHETIC), WeightsKind.SYNTHETIC),
            ((WeightsKind.SYNTHETIC, WeightsKind.PRETRAINED), WeightsKind.PRETRAINED),
            ((WeightsKind.PRETRAINED, WeightsKind.PRETRAINED), WeightsKind.PRETRAINED),
        ],
    )
    def test_the_sweep_goes_on_with_the_weights_that_the_device_was_measured_with(
        self, measured_with: tuple[WeightsKind, ...], suggested: WeightsKind
    ) -> None:
        measured = [measurement("Elsewhere", device="laptop")]
        measured += [
            measurement(f"Net{threads}", threads=threads, weights=weights)
            for threads, weights in enumerate(measured_with, start=1)
        ]
        within = Constraints(max_latency_ms=1, threads=1)
        ranking = rank(DEVICE, measured, within, catalog(B=80))
        assert ranking.suggested_sweep == replace(GAP, backbones=("B",), weights=suggested)

    def test_only_runtimes_of_the_device_are_suggested(self) -> None:
        ranking = rank(DEVICE, [], NO_LIMITS, catalog(A=76), runtimes=[Runtime.ONNXRUNTIME])
        assert ranking.suggested_sweep == replace(GAP, runtimes=(Runtime.ONNXRUNTIME,))

    def test_of_a_tier_every_backbone_is_measured(self) -> None:
        ranking = rank(DEVICE, [], Constraints(tier=Tier.MOBILE), load_catalog())
        assert len(ranking.unmeasured) > MOST_BACKBONES
        assert ranking.suggested_sweep == replace(GAP, backbones=ranking.unmeasured)

    def test_a_failed_backbone_is_still_missing(self) -> None:
        ranking = rank(DEVICE, [failed("A", top1=76)], NO_LIMITS, catalog(A=76))
        assert ranking.unmeasured == ("A",)

    def test_with_a_winner_and_no_tier_nothing_is_missing(self) -> None:
        ranking = rank(DEVICE, [measurement("A")], NO_LIMITS, catalog(A=75, B=80))
        assert (ranking.unmeasured, ranking.suggested_sweep) == ((), None)

    def test_when_all_was_measured_no_sweep_helps(self) -> None:
        within = Constraints(max_latency_ms=1)
        ranking = rank(DEVICE, [measurement("A")], within, catalog(A=75))
        assert ranking.winner is None
        assert (ranking.unmeasured, ranking.suggested_sweep) == ((), None)

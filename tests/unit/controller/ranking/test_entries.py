"""Which measurements count, and why the others are left out."""

import pytest

from controller.domain.measurements import Measurement, Verdict
from controller.domain.rankings import DOUBTFUL, WITH_FIGURES, Constraints, Ranking
from controller.ranking.ranking import rank
from models.catalog.catalog import IMAGENET, Catalog
from models.catalog.precisions import Precision
from models.catalog.variants import WeightsKind
from protos.inputs import square
from protos.reasons import Reason, ReasonCode, reason
from tests.unit.controller.samples.measurements import (
    DEVICE,
    catalog,
    failed,
    measurement,
    sustained,
)
from tests.unit.controller.samples.reasons import CRASHED, OLDER_COUNTS, WIDE, about

NO_LIMITS = Constraints()
ONLY_OK = Constraints(only=(Verdict.OK,))
SHARED = reason(ReasonCode.CORES_SHARED, share=0.34)


def _rank(*measurements: Measurement, within: Constraints = NO_LIMITS) -> Ranking:
    return rank(DEVICE, measurements, within, Catalog([]))


def _winner(ranking: Ranking) -> str | None:
    return None if ranking.winner is None else ranking.winner.measurement.measurement_id


def _why_left_out(ranking: Ranking) -> list[tuple[Reason, ...]]:
    return [left.reasons for left in ranking.left_out]


def _known_for(known: int, *, measured: int) -> Reason:
    words = {"known_size": str(known), "measured_size": str(measured)}
    return reason(ReasonCode.ACCURACY_OF_OTHER_SIZE, words)


def test_the_last_usable_measurement_of_a_setting_counts() -> None:
    old, new = (measurement("A", ms, measurement_id=f"{ms} ms") for ms in (5, 9))
    assert _winner(_rank(old, new)) == "9 ms"
    assert _rank(old, new).others == ()


def test_a_device_whose_clock_is_at_1970_is_measured_anew_all_the_same() -> None:
    old = measurement("A", 5, measurement_id="old")
    new = measurement("A", 9, measurement_id="new", measured_at_unix_ms=5_000)
    assert _winner(_rank(old, new)) == "new"


def test_synthetic_weights_never_replace_pretrained_ones_nor_the_other_way_round() -> None:
    pretrained = measurement("A", 5, measurement_id="pretrained")
    synthetic = measurement("A", 9, measurement_id="synthetic", weights=WeightsKind.SYNTHETIC)
    for order in ((pretrained, synthetic), (synthetic, pretrained)):
        ranking = _rank(*order)
        assert _winner(ranking) == "pretrained"
        (other,) = ranking.others
        assert other.measurement.weights is WeightsKind.SYNTHETIC
        assert other.lost_because == (
            about(
                ReasonCode.DOMINATED,
                {"other": "pretrained"},
                top1_percent=75,
                other_top1_percent=75,
                median_ms=9,
                other_median_ms=5,
            ),
        )


def test_a_failure_with_other_weights_does_not_speak_of_an_older_measurement() -> None:
    ranking = _rank(measurement("A"), failed("A", weights=WeightsKind.SYNTHETIC))
    assert _why_left_out(ranking) == [(CRASHED,)]


def test_a_later_failure_does_not_hide_an_older_figure_and_is_told() -> None:
    ranking = _rank(measurement("A", 9, measurement_id="old"), failed("A"))
    assert _winner(ranking) == "old"
    assert _why_left_out(ranking) == [(CRASHED, OLDER_COUNTS)]


@pytest.mark.parametrize("verdict", WITH_FIGURES)
def test_whatever_its_verdict_a_figure_counts_where_there_is_nothing_better(
    verdict: Verdict,
) -> None:
    only = measurement("A", verdict=verdict, reasons=(WIDE,))
    ranking = _rank(only)
    assert ranking.winner is not None
    assert ranking.winner.measurement == only
    assert ranking.left_out == ()


@pytest.mark.parametrize("better", [Verdict.OK, Verdict.WIDE])
@pytest.mark.parametrize("verdict", DOUBTFUL)
def test_a_biased_figure_never_replaces_a_better_one_of_the_same_setting(
    better: Verdict, verdict: Verdict
) -> None:
    good = measurement("A", 9, verdict=better, measurement_id="good")
    biased = measurement("A", 5, verdict=verdict, reasons=(SHARED,), measurement_id="biased")
    assert _winner(_rank(biased, good)) == "good"
    ranking = _rank(good, biased)
    assert _winner(ranking) == "good"
    (left,) = ranking.left_out
    assert left.measurement.measurement_id == "biased"
    assert left.reasons == (SHARED, OLDER_COUNTS)
    assert not left.is_held_back


def test_a_wide_figure_replaces_an_older_one_as_any_does() -> None:
    old = measurement("A", 9, measurement_id="old")
    new = measurement("A", 5, verdict=Verdict.WIDE, measurement_id="new")
    assert _winner(_rank(old, new)) == "new"
    ranking = _rank(old, new, within=ONLY_OK)
    assert _winner(ranking) == "old"
    (left,) = ranking.left_out
    assert (left.measurement, left.is_held_back) == (new, True)


def test_of_a_minute_of_sustained_inference_throttled_is_what_was_asked_for() -> None:
    old = sustained("A", {1: 10}, measurement_id="old")
    new = sustained("A", {1: 12}, verdict=Verdict.THROTTLED, measurement_id="new")
    assert _winner(_rank(old, new, within=Constraints(at_minute=1))) == "new"


@pytest.mark.parametrize("verdict", [Verdict.WIDE, *DOUBTFUL])
def test_only_what_is_asked_for_counts_where_it_is(verdict: Verdict) -> None:
    held = measurement("A", verdict=verdict, reasons=(WIDE,))
    ranking = _rank(held, within=ONLY_OK)
    assert ranking.winner is None
    assert _why_left_out(ranking) == [(WIDE,)]
    assert ranking.left_out[0].is_held_back
    assert _winner(_rank(held, within=Constraints(only=(Verdict.OK, verdict)))) is not None


def test_what_failed_is_left_out_with_its_reason_whatever_counts() -> None:
    ranking = _rank(failed("A"), within=Constraints(only=tuple(Verdict)))
    assert ranking.winner is None
    assert _why_left_out(ranking) == [(CRASHED,)]


def test_a_failure_after_a_figure_that_does_not_count_does_not_hide_it() -> None:
    ranking = _rank(measurement("A", verdict=Verdict.WIDE), failed("A"), within=ONLY_OK)
    verdicts = [left.measurement.verdict for left in ranking.left_out]
    assert verdicts == [Verdict.FAILED, Verdict.WIDE]


def test_what_would_count_is_told_although_a_biased_figure_came_after_it() -> None:
    wide = measurement("A", verdict=Verdict.WIDE, measurement_id="wide")
    biased = measurement("A", verdict=Verdict.DISTURBED, measurement_id="biased")
    ranking = _rank(wide, biased, within=ONLY_OK)
    held = {left.measurement.measurement_id: left.is_held_back for left in ranking.left_out}
    assert held == {"wide": True, "biased": False}
    assert ranking.would_win_with == (Verdict.WIDE,)


def test_what_neither_its_verdict_nor_its_accuracy_lets_in_says_both() -> None:
    small = measurement(
        "A",
        top1=None,
        input_size=square(160),
        accuracy_input_size=square(224),
        verdict=Verdict.WIDE,
        reasons=(WIDE,),
    )
    ranking = rank(DEVICE, [small], ONLY_OK, catalog(A=75))
    (left,) = ranking.left_out
    assert left.reasons == (WIDE, _known_for(224, measured=160))
    assert left.measurement.top1 is None
    assert ranking.would_win_with == ()


def test_without_published_accuracy_there_is_nothing_to_rank_by() -> None:
    ranking = _rank(measurement("A", top1=None))
    assert _why_left_out(ranking) == [(reason(ReasonCode.ACCURACY_UNPUBLISHED),)]


def test_an_accuracy_that_is_not_known_on_another_dataset_is_said_of_that_dataset() -> None:
    ranking = _rank(measurement("A", top1=None, accuracy_dataset="flowers"))
    unknown = reason(ReasonCode.ACCURACY_UNKNOWN, {"dataset": "flowers"})
    assert _why_left_out(ranking) == [(unknown,)]


def test_a_precision_whose_accuracy_is_not_known_is_left_out() -> None:
    ranking = _rank(measurement("A", top1=None, precision=Precision.INT8_STATIC))
    words = {"dataset": IMAGENET, "precision": "int8-static"}
    unknown = reason(ReasonCode.ACCURACY_UNKNOWN_IN_PRECISION, words)
    assert _why_left_out(ranking) == [(unknown,)]


def test_a_precision_whose_own_accuracy_is_known_is_ranked_by_it() -> None:
    ranking = _rank(
        measurement("A", 10, top1=75),
        measurement("A", 4, top1=73, precision=Precision.INT8_STATIC, measurement_id="quantised"),
        within=Constraints(max_latency_ms=5),
    )
    assert _winner(ranking) == "quantised"


def test_an_own_model_without_accuracy_is_told_how_to_bring_it() -> None:
    ranking = _rank(measurement("A", top1=None, weights=WeightsKind.OWN))
    unknown = reason(ReasonCode.ACCURACY_UNKNOWN, {"dataset": IMAGENET})
    assert _why_left_out(ranking) == [(unknown,)]


def test_accuracy_is_not_credited_to_another_input_size() -> None:
    small = measurement("A", top1=None, input_size=square(160), accuracy_input_size=square(224))
    assert _why_left_out(_rank(small)) == [(_known_for(224, measured=160),)]

"""Rankings by one minute of sustained inference."""

import pytest

from controller.cli.options.values import read_minutes
from controller.domain.errors import EdgerankError
from controller.domain.measurements import Measurement, Verdict
from controller.domain.rankings import Constraints, Ranking
from controller.figures.minutes import at_minute, repetitions_of_minute
from controller.ranking.distinction import Distinction, distinction
from controller.ranking.ranking import rank
from controller.views.settings_words import settings_words
from controller.views.wording import THROTTLED_NOTE, candidates, doubt_words, notes
from models.catalog.catalog import Catalog
from protos.measuring import StopReason
from protos.reasons import Reason, ReasonCode, reason
from protos.runtimes import Runtime
from tests.unit.controller.samples.measurements import (
    DEVICE,
    MS,
    catalog,
    failed,
    measurement,
    repetition,
    sustained,
)
from tests.unit.controller.samples.reasons import CRASHED

# The better one at first slows down; the other one keeps its speed.
HOT = sustained("Hot", {1: 10, 5: 15, 10: 30}, top1=76)
COOL = sustained("Cool", {1: 14, 5: 14, 10: 14}, top1=75)


def _ranked(minute: int | None, *measured: Measurement, **limits: float) -> Ranking:
    within = Constraints(at_minute=minute, **limits)  # type: ignore[arg-type]
    return rank(DEVICE, measured, within, Catalog([]))


def _winner(ranking: Ranking) -> str | None:
    return None if ranking.winner is None else ranking.winner.measurement.backbone


def test_the_first_minute_and_the_last_are_ranked_by_their_own_figures() -> None:
    assert _winner(_ranked(1, HOT, COOL, max_latency_ms=20)) == "Hot"
    late = _ranked(10, HOT, COOL, max_latency_ms=20)
    assert _winner(late) == "Cool"
    assert late.winner is not None
    assert late.winner.measurement.latency is not None
    assert late.winner.measurement.latency.median_ms == 14


def test_a_throttled_device_is_ranked_by_its_minutes_and_it_is_said() -> None:
    fell = reason(ReasonCode.CLOCK_FELL, cpu=4, from_khz=2_840_000, to_khz=1_770_000)
    hot = sustained("Hot", {1: 10, 10: 30}, top1=76, verdict=Verdict.THROTTLED, reasons=(fell,))
    late = _ranked(10, hot)
    assert _winner(late) == "Hot"
    assert late.winner is not None
    assert late.winner.measurement.verdict is Verdict.THROTTLED
    assert THROTTLED_NOTE in notes(candidates(late))
    # Its figures as a whole mix fast and slow minutes: in doubt, where they are all there is.
    whole = _ranked(None, hot)
    assert _winner(whole) == "Hot"
    assert doubt_words(whole).endswith("throttled")
    assert doubt_words(late) == ""


@pytest.mark.parametrize(
    ("measured", "why"),
    [
        (measurement("A"), reason(ReasonCode.NOT_SUSTAINED, minute=9)),
        (sustained("A", {5: 10}), reason(ReasonCode.PAST_LAST_MINUTE, minute=9, minutes=5)),
        (sustained("A", {8: 10, 10: 10}), reason(ReasonCode.MINUTE_EMPTY, minute=9)),
        (failed("A"), CRASHED),
    ],
)
def test_what_has_no_figures_of_the_minute_is_left_out_with_why(
    measured: Measurement, why: Reason
) -> None:
    ranking = _ranked(9, measured)
    assert ranking.winner is None
    assert [each.reasons for each in ranking.left_out] == [(why,)]


def test_a_sustained_measurement_is_a_candidate_of_its_own() -> None:
    short, long = measurement("A", 10), sustained("A", {10: 30})
    assert distinction(long) == Distinction(sustained_minutes=10)
    assert settings_words(long) == ("sustained 10 min",)
    for order in ((short, long), (long, short)):
        ranking = _ranked(None, *order)
        shown = [each.measurement for each in candidates(ranking)]
        assert {each.measurement_id for each in shown} == {short.measurement_id, "A-sustained"}


def test_what_is_missing_is_suggested_with_its_minutes() -> None:
    within = Constraints(at_minute=10, min_top1=70, runtime=Runtime.ONNXRUNTIME)
    ranking = rank(DEVICE, [], within, catalog(A=75))
    assert ranking.suggested_sweep is not None
    assert ranking.suggested_sweep.sustained_minutes == 10


def test_samples_of_a_minute_are_cut_out_in_their_order() -> None:
    long = repetition((MS, 2 * MS, 3 * MS, 4 * MS), samples_per_minute=(1, 2, 1))
    (second,) = repetitions_of_minute([long], 2)
    assert second.latency_ns == (2 * MS, 3 * MS)
    assert repetitions_of_minute([long], 4) == ()
    assert repetitions_of_minute([repetition((MS,))], 1) == ()


def test_figures_at_a_minute_come_with_its_samples() -> None:
    raw = repetition((MS, 2 * MS), samples_per_minute=(1, 1), stop_reason=StopReason.SUSTAINED)
    found = at_minute(sustained("A", {1: 1, 2: 2}, repetitions=(raw,)), 2)
    assert found.latency is not None
    assert found.latency.median_ms == 2
    assert [each.latency_ns for each in found.repetitions] == [(2 * MS,)]


def test_whole_minutes_are_read() -> None:
    assert (read_minutes("1m"), read_minutes("10m"), read_minutes("60m")) == (1, 10, 60)


@pytest.mark.parametrize("text", ["", "m", "10", "10s", "0m", "61m", "1.5m", "-1m", "9" * 5_000])
def test_other_times_are_refused_with_how_to_write_them(text: str) -> None:
    with pytest.raises(EdgerankError, match="1m to 60m"):
        read_minutes(text)

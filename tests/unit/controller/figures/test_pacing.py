"""Figures of inference on a clock, beside those back to back and never among them."""

from dataclasses import replace

import pytest

from controller.domain.measurements import Measurement
from controller.domain.quantities import QuantityInvalid, parse_fps
from controller.domain.rankings import Constraints
from controller.figures.pacing import at_pace, paced_figures
from controller.ranking.distinction import Distinction, distinction
from controller.ranking.ranking import rank
from controller.views.settings_words import paced_words
from protos.measuring import PacedSamples, Repetition
from protos.reasons import ReasonCode
from tests.unit.controller.samples.measurements import (
    DEVICE,
    catalog,
    measurement,
    paced,
    repetition,
)

MS = 1_000_000
BACK_TO_BACK = repetition((4 * MS,))


def on_clock(*latency_ms: int, delay_ms: int = 0) -> Repetition:
    samples = PacedSamples(
        latency_ns=tuple(ms * MS for ms in latency_ms),
        delay_ns=(delay_ms * MS,) * len(latency_ms),
    )
    return replace(BACK_TO_BACK, paced=samples)


def test_a_frame_is_missed_whose_outputs_are_late_or_that_never_began() -> None:
    # At 100 frames a second the third hides two frames, and the last is late by its waking up.
    found = paced_figures([on_clock(4, 10, 25), on_clock(4, 4, 8, delay_ms=3)], 100, 4.0)
    assert found is not None
    assert (found.frame_count, found.missed_count, found.dropped_count) == (9, 5, 3)
    assert found.missed_share == pytest.approx(5 / 9)
    assert found.latency.sample_count == 6
    assert found.times_back_to_back == found.latency.median_ms / 4.0


def test_figures_of_some_processes_alone_are_none() -> None:
    assert paced_figures([BACK_TO_BACK], 30, 4.0) is None
    assert paced_figures([on_clock(4), BACK_TO_BACK], 30, 4.0) is None


def test_what_was_paced_is_a_candidate_of_its_own_by_its_figure_back_to_back() -> None:
    usual, slow = measurement("A", 10), paced("A", 10, 25)
    assert distinction(slow) == Distinction(paced_fps=30)
    ranking = rank(DEVICE, [usual, slow], Constraints(), catalog(A=76))
    ranked = {each.measurement.latency for each in (*ranking.ties, *ranking.pareto_front)}
    assert {each.median_ms for each in ranked if each} == {10}


def test_a_ranking_of_a_pace_has_what_was_paced_so_alone_and_by_those_figures() -> None:
    measured = [
        measurement("A", 1),
        paced("B", 10, 25),
        paced("C", 5, 40),
        paced("D", 9, 9, fps=60),
    ]
    asked = Constraints(max_latency_ms=30, paced_fps=30)
    ranking = rank(DEVICE, measured, asked, catalog(A=76, B=75, C=77, D=78))
    assert ranking.winner is not None
    assert ranking.winner.measurement.backbone == "B"
    assert [each.measurement.backbone for each in ranking.others] == ["C"]
    why = {each.measurement.backbone: each.reasons for each in ranking.left_out}
    assert {name: told[0].code for name, told in why.items()} == dict.fromkeys(
        "AD", ReasonCode.NOT_PACED
    )


def test_without_any_the_sweep_that_would_measure_it_is_suggested() -> None:
    ranking = rank(DEVICE, [], Constraints(paced_fps=30), catalog(A=76))
    assert ranking.suggested_sweep is not None
    assert ranking.suggested_sweep.paced_fps == 30


def test_of_a_batch_the_figure_of_one_image_is_that_of_the_clock() -> None:
    found: Measurement = at_pace(paced("A", 10, 24, batch=4), 30)
    assert found.latency_per_image_ms == 6


def test_the_figure_is_told_beside_the_one_back_to_back() -> None:
    assert paced_words(paced("A", 10, 25)) == (
        "at 30 fps 25.0 ms [24.8, 25.2], p90 26.2 ms, p99 30.0 ms, 2.50 times back to back; "
        "3 of 450 frames missed (0.7%), 1 of them dropped"
    )
    assert paced_words(measurement("A")) == ""


@pytest.mark.parametrize("text", ["30", "fps", "0fps", "30ms", "-1fps"])
def test_what_is_no_frame_rate_is_refused(text: str) -> None:
    with pytest.raises(QuantityInvalid, match="30fps"):
        parse_fps(text)
    assert parse_fps("7.5fps") == 7.5

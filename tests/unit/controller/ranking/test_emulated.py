"""What an emulated device measured never ranks beside real figures, unless somebody asks for it."""

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from controller.domain.comparisons import Comparison, Limits, Side
from controller.domain.measurements import Measurement
from controller.domain.rankings import Constraints, Ranking
from controller.domain.selectors import parse_selector
from controller.ranking.comparison import compare
from controller.ranking.entries import set_emulated_aside
from controller.ranking.ranking import rank
from protos.reasons import ReasonCode, reason
from tests.unit.controller.samples.measurements import DEVICE, catalog, failed, measurement

QEMU = "qemu-user"
WHY = reason(ReasonCode.DEVICE_EMULATED, {"emulator": QEMU})
KNOWN = catalog(A=70, B=75, C=80)
ALL = Constraints(include_emulated=True)


def _emulated(name: str, median_ms: float = 10.0, **changes: Any) -> Measurement:
    return measurement(name, median_ms, emulator=QEMU, **changes)


def _rank(*measurements: Measurement, within: Constraints | None = None) -> Ranking:
    return rank(DEVICE, measurements, within or Constraints(), KNOWN)


def test_its_figures_are_left_out_with_the_reason() -> None:
    ranking = _rank(_emulated("A"), _emulated("B"))
    assert ranking.winner is None
    assert (ranking.pareto_front, ranking.others) == ((), ())
    assert [left.measurement.backbone for left in ranking.left_out] == ["A", "B"]
    assert [left.reasons for left in ranking.left_out] == [(WHY,), (WHY,)]
    assert not any(left.is_held_back for left in ranking.left_out)


def test_they_are_ranked_where_that_is_asked_for_and_keep_their_mark() -> None:
    ranking = _rank(_emulated("A"), _emulated("B", 9), within=ALL)
    assert ranking.winner is not None
    assert ranking.winner.measurement.emulator == QEMU
    assert ranking.left_out == ()


def test_no_sweep_is_suggested_whose_figures_would_be_left_out_too() -> None:
    ranking = _rank(_emulated("A"))
    assert ranking.suggested_sweep is None
    # What it measured is not missing; what it did not measure is.
    assert ranking.unmeasured == ("B", "C")
    assert _rank(measurement("A", top1=60), within=Constraints(min_top1=90)).unmeasured == ()


def test_a_failure_there_keeps_its_own_reasons() -> None:
    (left,) = _rank(failed("A", emulator=QEMU)).left_out
    assert left.reasons == failed("A").reasons


def test_of_what_was_measured_again_the_last_is_told() -> None:
    first, again = _emulated("A", measurement_id="1"), _emulated("A", measurement_id="2")
    (left,) = _rank(first, again).left_out
    assert left.measurement.measurement_id == "2"


def _compared(*, include_emulated: bool) -> Comparison:
    a = [measurement("A", device="pc"), _emulated("A", device="board")]
    b = [replace(each, measurement_id=f"again-{each.device}") for each in a]
    limits = Limits(include_emulated=include_emulated)
    return compare(parse_selector("s1"), parse_selector("s2"), *_of_sweeps(a, b), limits)


def _of_sweeps(
    a: list[Measurement], b: list[Measurement]
) -> tuple[list[Measurement], list[Measurement]]:
    return [replace(m, sweep_id="s1") for m in a], [replace(m, sweep_id="s2") for m in b]


def test_a_comparison_leaves_both_sides_of_it_out() -> None:
    compared = _compared(include_emulated=False)
    assert [pair.a.device for pair in compared.pairs] == ["pc"]
    assert [(left.side, left.measurement.device) for left in compared.left_out] == [
        (Side.A, "board"),
        (Side.B, "board"),
    ]
    assert [left.reasons for left in compared.left_out] == [(WHY,), (WHY,)]
    # Neither is a figure that only one side has.
    assert compared.lost == ()


def test_a_comparison_has_it_where_that_is_asked_for() -> None:
    compared = _compared(include_emulated=True)
    assert [pair.a.device for pair in compared.pairs] == ["board", "pc"]
    assert compared.left_out == ()


@given(emulators=st.lists(st.sampled_from(("", QEMU, "unnamed")), max_size=8))
def test_each_measurement_counts_or_is_left_out(emulators: list[str]) -> None:
    measured = [
        measurement(f"N{number}", emulator=emulator) for number, emulator in enumerate(emulators)
    ]
    parted = set_emulated_aside(measured, include_emulated=False)
    assert parted.kept == [each for each in measured if not each.emulator]
    assert len(parted.kept) + len(parted.left_out) == len(measured)
    everything = set_emulated_aside(measured, include_emulated=True)
    assert (everything.kept, everything.left_out) == (measured, [])

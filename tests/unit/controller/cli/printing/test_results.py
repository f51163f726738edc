"""Results on the terminal: every figure with where and how, reasons once."""

from dataclasses import replace

import pytest

from controller.cli.printing.results import print_results
from controller.cli.printing.sweeps import print_sweeps
from controller.domain.measurements import Verdict
from controller.domain.sweeps import SweepPhase, SweepSummary
from models.catalog.precisions import Precision
from models.catalog.variants import WeightsKind
from protos.reasons import ReasonCode, reason
from tests.unit.controller.samples.measurements import failed, measurement
from tests.unit.controller.samples.pages import printed

LONGEST = "SwinTransformerV2_large_patch4_window24_384_22kto1k"
WIDE = (reason(ReasonCode.SAMPLES_SPREAD, reached=0.02, wanted=0.01),)
FIGURES = (
    measurement("MobileNetV1", 12.34, 0.05),
    replace(measurement(LONGEST, 0.0948, 0.0001, threads=2), precision=Precision.INT8_STATIC),
    measurement("夜間モデル", 1234.5, 1, verdict=Verdict.WIDE, reasons=WIDE),
    measurement("Сеть", 5, weights=WeightsKind.SYNTHETIC, verdict=Verdict.WIDE, reasons=WIDE),
    failed("LeViT_128S"),
)
SWEEPS = (
    SweepSummary(
        sweep_id="0586730d21b7",
        name="夜間 run",
        phase=SweepPhase.CANCELLED,
        created_at_unix_ms=1_764_000_000_000,
        ended_at_unix_ms=None,
        devices=("this-machine", "phone"),
        jobs_total=1_200,
        jobs_ended=600,
        jobs_failed=3,
        is_profile=False,
    ),
)


@pytest.mark.parametrize("width", range(40, 121))
def test_no_name_and_no_figure_is_lost(width: int) -> None:
    page = "".join(printed(print_results, FIGURES, width=width).split())
    for each in FIGURES:
        assert each.backbone in page
    for figure in ("12.3ms[12.3,12.4]", "0.0948ms[0.0947,0.0949]", "int8-static", "2threads"):
        assert figure in page
    listed = "".join(printed(print_sweeps, SWEEPS, width=width).split())
    for told in ("0586730d21b7", "夜間run", "cancelled", "600of1,200", "3failed", "this-machine"):
        assert told in listed


def test_a_reason_is_told_once_with_how_many_it_holds_for() -> None:
    page = printed(print_results, FIGURES)
    assert page.count("±2 %") == 1
    assert "2 figures" in page


def test_a_figure_has_what_its_outputs_were_off_by() -> None:
    assert printed(print_results, FIGURES).count("outputs off by 2.6e-06") == len(FIGURES) - 1


def test_a_figure_of_an_emulated_device_is_marked() -> None:
    emulated = replace(FIGURES[0], emulator="qemu-user")
    assert "(qemu-user)" in printed(print_results, [emulated])
    assert "emulated" not in printed(print_results, FIGURES)


@pytest.mark.parametrize("width", [40, 80, 120])
def test_figures_of_several_sweeps_are_told_with_theirs(width: int) -> None:
    assert "sweep" not in printed(print_results, FIGURES, width=width)
    again = replace(FIGURES[0], sweep_id="nightly0again")
    page = "".join(printed(print_results, (again, *FIGURES), width=width).split())
    assert page.count("sweepnightly0again") == 1
    assert page.count(f"sweep{FIGURES[0].sweep_id}") == len(FIGURES)


def test_nothing_is_said_to_be_nothing() -> None:
    assert len(printed(print_results, ()).splitlines()) == 1
    assert len(printed(print_sweeps, ()).splitlines()) == 1

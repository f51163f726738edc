import io
from typing import Any

import pytest
from rich.console import Console

from controller.cli.print_devices import print_devices
from controller.cli.print_models import print_models
from controller.cli.print_ranking import print_ranking
from controller.domain import Constraints, CoreCluster, DeviceProfile, Ranking, Runtime, Verdict
from controller.ranking import rank
from controller.wording import NOISY_NOTE, SYNTHETIC_NOTE
from models.catalog import Catalog, load_catalog
from models.variants import WeightsKind
from tests.unit.controller.measurements import DEVICE, catalog, device, failed, measurement

WITHIN_20_MS = Constraints(max_latency_ms=20)


def _printed(show: Any, *shown: Any, width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width)
    show(console, *shown)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def _words(printed: str) -> str:
    return " ".join(printed.split())


def _ranking(constraints: Constraints = WITHIN_20_MS, **changes: Any) -> Ranking:
    measured = [
        measurement("MobileNetV3_large_x1_0", 6.1, 0.04, top1=75.32, **changes),
        measurement("MobileNetV3_large_x1_0", 6.12, 0.04, top1=75.32, threads=2),
        measurement("PPLCNet_x1_0", 4.312, 0.04, top1=71.32, runtime=Runtime.PADDLELITE),
        measurement("MobileNetV1", 9.5, 0.04, top1=70.99),
        measurement("ReXNet_2_0", 19.5, 1, top1=81.22),
        failed("LeViT_128S"),
    ]
    return rank(DEVICE, measured, constraints, catalog(Other=70))


def test_the_answer_comes_first_with_its_figures_and_the_rule() -> None:
    printed = _printed(print_ranking, _ranking())
    assert printed.splitlines()[0] == (
        "Best on pi5 (at most 20 ms): MobileNetV3_large_x1_0 (onnxruntime, 1 thread)"
    )
    words = _words(printed)
    assert "75.32 % top-1, 6.10 ms [6.06, 6.14], 40.0 MB, pretrained weights" in words
    assert "The winner has the highest top-1 of those that satisfy the constraints" in words


def test_ties_the_front_the_losers_and_the_left_out_are_told() -> None:
    words = _words(_printed(print_ranking, _ranking()))
    assert "Ties with the winner - MobileNetV3_large_x1_0 (onnxruntime, 2 threads" in words
    assert "PPLCNet_x1_0 71.32 4.31 ms [4.27, 4.35] 40.0 MB" in words
    assert "71.32 % top-1, 4.0 points below the winner, 1.4x as fast" in words
    assert "its interval 18.5..20.5 ms crosses the limit of 20 ms" in words
    assert (
        "LeViT_128S (onnxruntime, 1 thread, pretrained): failed, its child was killed by SIGSEGV"
        in words
    )


@pytest.mark.parametrize("width", [80, 120])
def test_no_line_is_wider_than_the_terminal_but_the_command_to_copy(width: int) -> None:
    nothing = rank(DEVICE, [], Constraints(), load_catalog())
    for ranking in (_ranking(), nothing):
        for line in _printed(print_ranking, ranking, width=width).splitlines():
            assert len(line) <= width or line.strip() == ranking.suggested_sweep


def test_figures_stand_right_aligned_below_each_other() -> None:
    rows = [line for line in _printed(print_ranking, _ranking()).splitlines() if "40.0 MB" in line]
    front = [line.rstrip() for line in rows if "], 40.0 MB" not in line]
    assert len(front) == 2
    assert len({len(line) for line in front}) == 1


def test_provenance_and_doubt_are_marked_and_explained() -> None:
    clean = _words(_printed(print_ranking, _ranking()))
    assert SYNTHETIC_NOTE not in clean
    assert NOISY_NOTE not in clean
    marked = _words(
        _printed(
            print_ranking,
            _ranking(
                weights=WeightsKind.SYNTHETIC, verdict=Verdict.NOISY, reason="the interval is ±9 %"
            ),
        )
    )
    assert "onnxruntime, 1 thread, synthetic noisy" in marked
    assert SYNTHETIC_NOTE in marked
    assert NOISY_NOTE in marked


def test_without_a_candidate_the_sweep_to_run_can_be_copied_as_one_line() -> None:
    ranking = rank(DEVICE, [], Constraints(min_top1=75), load_catalog())
    printed = _printed(print_ranking, ranking)
    assert printed.startswith("No candidate was measured on pi5 (at least 75 % top-1)\n")
    assert f"  {ranking.suggested_sweep}\n" in printed


def test_when_none_qualifies_every_one_hears_why() -> None:
    printed = _printed(print_ranking, _ranking(Constraints(max_latency_ms=1)))
    assert printed.startswith(
        "No measured candidate on pi5 satisfies the constraints (at most 1 ms)"
    )
    assert _words(printed).count("is over the limit of 1 ms") == 5


def test_square_brackets_in_names_are_text_and_not_markup() -> None:
    ranking = rank(DEVICE, [measurement("[red]Net[/red]")], Constraints(), Catalog([]))
    assert "[red]Net[/red]" in _printed(print_ranking, ranking)


def test_devices_show_who_is_connected_and_what_they_are() -> None:
    away = device(name="board", connected=False, profile=DeviceProfile(architecture="aarch64"))
    words = _words(_printed(print_devices, [device(), away], width=120))
    assert "pi5 yes Cortex-A76 onnxruntime 1.23.2" in words
    assert "aarch64, 4 cores, 8.26 GB" in words
    assert "board no, last seen aarch64 none" in words
    assert "2025-11-24 16:00 UTC" in words


def test_devices_show_their_cores_and_what_stands_between_them_and_the_metal() -> None:
    phone = DeviceProfile(
        architecture="aarch64",
        soc="SM8150",
        board="Xiaomi Mi 9T Pro",
        clusters=(
            CoreCluster(cpus=(7,), capacity=1_024, max_frequency_khz=2_841_600),
            CoreCluster(cpus=(4, 5, 6), capacity=871, max_frequency_khz=2_419_200),
            CoreCluster(cpus=(0,)),
        ),
        instruction_sets=("asimd", "asimddp", "asimdhp"),
        container="docker",
        virtual_machine="QEMU",
        emulator="qemu-user",
    )
    words = _words(_printed(print_devices, [device(profile=phone)], width=120))
    assert "Xiaomi Mi 9T Pro, SM8150" in words
    assert "1 x 2.84 GHz + 3 x 2.42 GHz + 1 x unknown frequency" in words
    assert "dotprod fp16" in words
    assert "emulated (qemu-user): latencies are those of another CPU" in words
    assert "virtual machine (QEMU) container (docker)" in words


def test_without_devices_the_next_step_is_said() -> None:
    assert "edgerank agent" in _printed(print_devices, [])


def test_models_fit_80_columns_and_mark_distillation_and_extra_data() -> None:
    printed = _printed(print_models, list(load_catalog()))
    assert max(len(line) for line in printed.splitlines()) <= 80
    words = _words(printed)
    assert "MobileNetV3_large_x1_0 MobileNetV3 75.32 92.31 5.50 0.23 224" in words
    assert f"{len(load_catalog())} backbones. d: distilled from a larger network" in words

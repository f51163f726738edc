import io
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from controller.cli.printing.comparison import print_comparison
from controller.cli.printing.devices import print_devices
from controller.cli.printing.models import print_models
from controller.cli.printing.ranking import print_ranking
from controller.domain.comparisons import Change, ComparedPair, Comparison, Limits
from controller.domain.measurements import MemoryFigures, Verdict
from controller.domain.rankings import Constraints, Ranking
from controller.ranking.ranking import rank
from controller.views.wording import (
    NOISY_NOTE,
    SYNTHETIC_NOTE,
    UNSTABLE_NOTE,
    memory_range_words,
)
from models.catalog.catalog import Catalog, load_catalog
from models.catalog.variants import WeightsKind
from protos.device import CoreCluster, DeviceProfile
from protos.runtimes import Runtime
from tests.unit.controller.samples.measurements import (
    DEVICE,
    catalog,
    device,
    failed,
    figures,
    measurement,
    sustained,
)

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


def test_a_sustained_winner_is_told_minute_by_minute() -> None:
    ranking = rank(DEVICE, [sustained("A", {1: 10, 2: 12.5})], Constraints(), catalog(A=75))
    words = _words(_printed(print_ranking, ranking))
    assert "The winner minute by minute minute median [95 % interval] p99 1 10.0 ms" in words
    assert "2 12.5 ms [12.4, 12.6] 15.0 ms" in words


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
                replace(WITHIN_20_MS, include=(Verdict.NOISY,)),
                weights=WeightsKind.SYNTHETIC,
                verdict=Verdict.NOISY,
                reason="the interval is ±9 %",
            ),
        )
    )
    assert "onnxruntime, 1 thread, synthetic noisy" in marked
    assert SYNTHETIC_NOTE in marked
    assert NOISY_NOTE in marked


def _doubtful(*include: Verdict) -> Ranking:
    measured = [
        measurement("A", 5, top1=76, verdict=Verdict.NOISY, reason="the interval is ±9 %"),
        measurement("B", 6, top1=77, verdict=Verdict.NOISY, reason="the interval is ±9 %"),
        measurement("C", 7, top1=78, verdict=Verdict.UNSTABLE, reason="its repetitions disagree"),
        failed("D"),
    ]
    return rank(DEVICE, measured, Constraints(include=include), catalog(A=76, B=77, C=78, D=79))


def test_what_only_its_verdict_leaves_out_is_counted_with_the_option_that_counts_it() -> None:
    words = _words(_printed(print_ranking, _doubtful(), width=120))
    assert words.startswith("No measured candidate on pi5 has a verdict that counts")
    assert (
        "Left out: 2 noisy, 1 unstable; --include noisy,unstable counts them "
        "- A (onnxruntime, 1 thread, pretrained): noisy, the interval is ±9 %"
    ) in words
    assert "D (onnxruntime, 1 thread, pretrained): failed, its child was killed" in words
    assert "This sweep would measure again what only its verdict keeps from winning:" in words


def test_what_is_included_is_in_the_headline_and_what_is_left_needs_the_longer_option() -> None:
    words = _words(_printed(print_ranking, _doubtful(Verdict.NOISY), width=120))
    assert words.startswith("Best on pi5 (including noisy): B (onnxruntime, 1 thread)")
    assert "Left out: 1 unstable; --include noisy,unstable counts it -" in words
    everything = _words(_printed(print_ranking, _doubtful(Verdict.NOISY, Verdict.UNSTABLE)))
    assert everything.startswith("Best on pi5 (including noisy and unstable): C")
    assert "--include" not in everything
    assert UNSTABLE_NOTE in everything


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


def test_an_emulated_device_is_marked_before_its_figures() -> None:
    mark = "emulated (qemu-user): latencies are those of another CPU"
    printed = _printed(print_ranking, _ranking(), [mark], width=120)
    assert printed.splitlines()[1].strip() == mark


def test_one_process_and_what_the_bare_runtime_takes_are_told_below() -> None:
    words = _words(_printed(print_ranking, _ranking(), width=120))
    assert "Measured by one process" not in words
    assert "Memory is above what the runtime takes without a network: onnxruntime" in words
    alone = measurement("Alone", latency=replace(figures(5), repetition_count=1))
    ranking = rank(DEVICE, [alone], Constraints(), catalog(Alone=75))
    told = _words(_printed(print_ranking, ranking, width=120))
    assert "Measured by one process: its interval tells nothing of how another" in told


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
        instruction_sets=("asimd", "asimddp", "asimdhp", "avx512f", "avx512_vnni"),
        container="docker",
        virtual_machine="QEMU",
        emulator="qemu-user",
    )
    words = _words(_printed(print_devices, [device(profile=phone)], width=120))
    assert "Xiaomi Mi 9T Pro, SM8150" in words
    assert "1 x 2.84 GHz + 3 x 2.42 GHz + 1 x unknown frequency" in words
    assert "dotprod fp16 AVX-512 VNNI" in words
    assert "emulated (qemu-user): latencies are those of another CPU" in words
    assert "virtual machine (QEMU) container (docker)" in words


def test_how_far_processes_differ_in_memory_is_written_where_they_do() -> None:
    memory = MemoryFigures(peak_rss_bytes=40_000_000, baseline_rss_bytes=60_000_000)
    told = {
        least: memory_range_words(
            measurement("Net", memory=replace(memory, least_peak_rss_bytes=least))
        )
        for least in (None, 40_000_000, 34_100_000)
    }
    assert told == {None: "", 40_000_000: "", 34_100_000: "34.1 MB to 40.0 MB"}
    assert memory_range_words(failed("Net")) == ""


def test_cores_that_an_agent_may_not_use_are_told() -> None:
    limited = replace(device().profile, usable_cpus=(0, 1))
    assert "4 cores (0-1 usable)" in _words(
        _printed(print_devices, [device(profile=limited)], width=120)
    )
    whole = replace(limited, usable_cpus=(0, 1, 2, 3))
    assert "usable" not in _printed(print_devices, [device(profile=whole)], width=120)


def test_without_devices_the_next_step_is_said() -> None:
    assert "edgerank agent" in _printed(print_devices, [])


def test_models_fit_80_columns_and_mark_distillation_and_extra_data() -> None:
    printed = _printed(print_models, list(load_catalog()))
    assert max(len(line) for line in printed.splitlines()) <= 80
    words = _words(printed)
    assert "MobileNetV3_large_x1_0 MobileNetV3 75.32 92.31 5.50 0.23 224" in words
    assert f"{len(load_catalog())} backbones. d: distilled from a larger network" in words


def _comparison(*pairs: ComparedPair) -> Comparison:
    return Comparison(
        a="version:onnxruntime=1.22.0",
        b="version:onnxruntime=1.23.2",
        limits=Limits(regression_threshold=0.05),
        pairs=pairs,
        left_out=(failed("LeViT_128S", reason="in B: its child was killed by SIGSEGV"),),
    )


def _compared(change: Change, ratio: float, **changes: Any) -> ComparedPair:
    fields: dict[str, Any] = {
        "a": measurement("MobileNetV3_large_x1_0", 4.31, runtime_version="1.22.0"),
        "b": measurement("MobileNetV3_large_x1_0", 4.31 * ratio),
        "change": change,
        "ratio": ratio,
        "ratio_low": ratio * 0.98,
        "ratio_high": ratio * 1.03,
    }
    return ComparedPair(**(fields | changes))


def test_a_comparison_gives_counts_medians_the_interval_and_the_regression() -> None:
    words = _words(
        _printed(
            print_comparison,
            _comparison(
                _compared(Change.SLOWER, 1.2, is_regression=True), _compared(Change.FASTER, 0.5)
            ),
        )
    )
    assert "A: version:onnxruntime=1.22.0 B: version:onnxruntime=1.23.2" in words
    assert "B is: 1 faster, 1 slower; 1 by more than 5 %" in words
    assert "MobileNetV3_large_x1_0 4.31 5.17 1.200 [1.176, 1.236] slower" in words
    assert "pi5, onnxruntime 1.22.0 to 1.23.2" in words
    assert words.count("regression") == 1
    assert "LeViT_128S (onnxruntime, 1 thread, pretrained) on pi5: in B: its child was" in words


def test_why_it_cannot_be_told_stands_below_once() -> None:
    untold = _compared(
        Change.CANNOT_TELL, 1.01, ratio_low=None, ratio_high=None, reason="A has one repetition"
    )
    words = _words(_printed(print_comparison, _comparison(untold, untold)))
    assert "4.31 4.35 1.010 cannot tell" in words
    assert words.count("Cannot tell: A has one repetition.") == 1


def test_how_many_pairs_noise_leaves_open_is_counted() -> None:
    hidden = _compared(
        Change.CANNOT_TELL, 1.4, undecided_by_noise=True, reason="A is noisy; measure again"
    )
    words = _words(_printed(print_comparison, _comparison(hidden, _compared(Change.SLOWER, 1.4))))
    assert "B is: 1 slower, 1 cannot tell (1 for noise); 0 by more than 5 %" in words
    assert "Cannot tell: A is noisy; measure again." in words


def test_a_comparison_fits_80_columns_whatever_is_in_it() -> None:
    wide = _compared(
        Change.CANNOT_TELL,
        123.4,
        a=measurement("SwinTransformerV2_large_patch4_window24_384", 10.2, verdict=Verdict.NOISY),
        b=measurement("SwinTransformerV2_large_patch4_window24_384", 12_345, threads=2),
        reason="the interval holds 1 and reaches beyond what counts as the same",
    )
    printed = _printed(print_comparison, _comparison(wide, _compared(Change.SLOWER, 9.9)))
    assert max(len(line) for line in printed.splitlines()) <= 80
    assert "123 [121, 127]" in printed
    assert NOISY_NOTE in _words(printed)


def test_without_a_pair_what_each_side_has_is_told() -> None:
    words = _words(_printed(print_comparison, _comparison()))
    assert "A and B measured nothing that is the same Left out - LeViT_128S" in words

"""A profile says which operators and layers take the time, in shares that add up."""

import io
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from controller.cli.printing.profile import TOP_LAYERS, print_profile
from controller.domain.profiles import OperatorProfile
from controller.views.operator_times import by_operator, slowest_layers, summarise
from models.catalog.variants import Precision
from tests.unit.controller.samples.profiles import PROFILE, layer, times


def printed(profile: OperatorProfile, *, by_layer: bool) -> str:
    console = Console(file=io.StringIO(), width=80)
    print_profile(console, summarise(profile, "trace.json"), by_layer=by_layer)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_layers_are_summed_by_operator_slowest_first() -> None:
    conv, gemm, flatten = by_operator(PROFILE.times)
    assert (conv.operator, conv.layer_count, conv.calls_per_run) == ("Conv", 2, 4)
    assert (conv.ms_per_run, gemm.ms_per_run, flatten.ms_per_run) == (0.3, 0.05, 0)
    assert conv.share_percent == pytest.approx(100 * 300 / 350)
    assert [each.name for each in slowest_layers(PROFILE.times)][:2] == ["loop", "stem"]


def test_the_layers_are_compared_with_an_inference_that_nobody_watched() -> None:
    summary = summarise(PROFILE, "trace.json")
    assert summary.layers_ms == 0.35
    assert summary.explained_percent == pytest.approx(70)


@given(st.lists(st.tuples(st.sampled_from("ABC"), st.integers(0, 10**6)), min_size=1, max_size=30))
def test_shares_add_up_to_all_layers(taken: list[tuple[str, int]]) -> None:
    layers = [layer(str(number), *each) for number, each in enumerate(taken)]
    shares = [each.share_percent for each in by_operator(times(*layers))]
    whole = 100 if any(duration_us for _operator, duration_us in taken) else 0
    assert sum(shares) == pytest.approx(whole)
    assert shares == sorted(shares, reverse=True)


def test_operators_and_the_slowest_layers_are_printed() -> None:
    text = printed(PROFILE, by_layer=False)
    assert "cores 0-1, basic graph optimization, no arena" in " ".join(text.split())
    words = " ".join(text.split())
    assert max(map(len, text.splitlines())) <= 80
    assert "MobileNetV1 on pc onnxruntime 1.23.2, 2 threads, 224 px, synthetic weights" in words
    assert "0.500 ms an inference; its layers take 0.350 ms (70 %)" in words
    assert "With the profiler on it takes 1.00 ms. Medians of 2." in words
    assert "Conv 2 4 0.300 85.7 %" in words
    assert "loop Conv 1x8x4x4 0.200 57.1 %" in words
    # What a network calls its layers is text, whatever it looks like.
    assert "[bold]flat[/] Flatten" in words


def test_the_table_of_layers_has_every_one() -> None:
    many = times(*(layer(f"layer-{number}", "Conv", number) for number in range(TOP_LAYERS + 1)))
    profile = replace(PROFILE, times=many, precision=Precision.INT8_STATIC, batch=4)
    text = printed(profile, by_layer=True)
    assert "int8-static, 224 px, batch 4" in text
    assert all(f"layer-{number} " in text for number in range(TOP_LAYERS + 1))
    few = printed(profile, by_layer=False)
    assert "slowest 10 of 11" in few
    assert "layer-0 " not in few

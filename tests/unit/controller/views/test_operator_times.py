"""A profile says which operators and layers take the time, in shares that add up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.views.operator_times import by_operator, slowest_layers, summarise
from tests.unit.controller.samples.profiles import PROFILE, layer, times


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

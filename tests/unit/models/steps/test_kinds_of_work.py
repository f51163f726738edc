"""Features of a network: each operator's work is counted once, in its kind."""

from dataclasses import replace

import pytest

from models.steps.counting.kinds_of_work import count_network, features
from models.steps.counting.multiply_adds import Operator


def convolution(channels: int, filters: tuple[int, ...], groups: int) -> Operator:
    """A convolution over 8 x 8 pixels."""
    return Operator(
        "conv2d",
        {"Input": (1, channels, 8, 8), "Filter": filters},
        {"Output": (1, filters[0], 8, 8)},
        {"groups": groups},
    )


DENSE = convolution(3, (16, 3, 3, 3), 1)
POINTWISE = convolution(16, (32, 16, 1, 1), 1)
DEPTHWISE = convolution(32, (32, 1, 3, 3), 32)
GROUPED = convolution(32, (32, 8, 3, 3), 4)
PRODUCT = Operator("matmul_v2", {"X": (1, 32), "Y": (32, 10)}, {"Out": (1, 10)}, {})
RELU = Operator("relu", {"X": (1, 32, 8, 8)}, {"Out": (1, 32, 8, 8)}, {})
POOL = Operator("pool2d", {"X": (1, 32, 8, 8)}, {"Out": (1, 32, 1, 1)}, {})
RESHAPE = Operator("reshape2", {"X": (1, 32, 1, 1)}, {"Out": (1, 32), "XShape": (0, 1, 32)}, {})


def test_convolutions_are_told_apart_by_their_filters() -> None:
    told = features([DENSE, POINTWISE, DEPTHWISE, GROUPED, PRODUCT], params=7)
    assert (told.dense_count, told.dense_cost) == (1, 64 * 16 * 27)
    assert (told.pointwise_count, told.pointwise_cost) == (1, 64 * 32 * 16)
    assert (told.depthwise_count, told.depthwise_cost) == (1, 64 * 32 * 9)
    assert (told.grouped_count, told.grouped_cost) == (1, 64 * 32 * 72)
    assert (told.product_count, told.product_cost) == (1, 320)
    kinds = ("dense", "pointwise", "depthwise", "grouped", "product")
    assert told.multiply_adds == sum(getattr(told, f"{kind}_cost") for kind in kinds)
    assert told.activations == 64 * (16 + 32 + 32 + 32) + 10
    assert told.params == 7


def test_other_work_is_counted_in_numbers() -> None:
    told = features([RELU, POOL, RESHAPE], params=0)
    assert (told.cheap_count, told.cheap_cost) == (1, 2048)
    assert (told.pooling_count, told.pooling_cost) == (1, 2048)
    assert told.traffic_bytes == 4 * (2048 + 2048 + 2048 + 32)
    assert told.multiply_adds == told.activations == 0


def test_what_is_counted_when_a_network_is_converted_is_what_is_counted_beforehand() -> None:
    counted = count_network(lambda: [DENSE, RELU, POOL, RESHAPE], 7)
    assert counted.features == features([DENSE, RELU, POOL, RESHAPE], 7)
    assert not counted.refusal


@pytest.mark.parametrize(
    "operator",
    [
        replace(RELU, kind="einsum"),
        replace(RELU, kind="of_somebody"),
        replace(DENSE, outputs={"Output": (-1, 16, 8, 8)}),
        replace(DENSE, inputs={}),
        replace(RELU, outputs={"Out": (-1, 32, 8, 8)}),
        replace(RELU, outputs={"Out": (10**12, 10**12)}),
        replace(PRODUCT, inputs={"X": (), "Y": (32, 10)}),
    ],
    ids=lambda operator: f"{operator.kind} {operator.outputs}",
)
def test_what_no_rule_knows_is_no_failure_and_says_why(operator: Operator) -> None:
    counted = count_network(lambda: [DENSE, operator], 7)
    assert counted.features is None
    assert counted.refusal

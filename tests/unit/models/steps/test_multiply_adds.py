"""Multiply-adds of an operator: what its loops would do, from nothing but shapes."""

from __future__ import annotations

from math import prod

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.steps.counting.multiply_adds import Operator, Shape, multiply_adds
from models.steps.refusal import StepRefused

sizes = st.integers(1, 6)


def convolution(kind: str, image: Shape, weights: Shape, output: Shape) -> Operator:
    return Operator(kind, {"Input": image, "Filter": weights}, {"Output": output}, {})


def product(kind: str, left: Shape, right: Shape, out: Shape, **attributes: object) -> Operator:
    return Operator(kind, {"X": left, "Y": right}, {"Out": out}, attributes)


def test_the_first_convolution_of_resnet50_has_its_known_cost() -> None:
    first = convolution("conv2d", (1, 3, 224, 224), (64, 3, 7, 7), (1, 64, 112, 112))
    assert multiply_adds(first) == 118_013_952


def test_a_depthwise_convolution_reads_one_channel_for_each_output() -> None:
    depthwise = convolution("depthwise_conv2d", (1, 32, 56, 56), (32, 1, 3, 3), (1, 32, 56, 56))
    assert multiply_adds(depthwise) == 32 * 56 * 56 * 9


def test_a_transposed_convolution_costs_what_its_mirror_does() -> None:
    up = convolution("conv2d_transpose", (1, 8, 7, 7), (8, 4, 2, 2), (1, 4, 14, 14))
    down = convolution("conv2d", (1, 4, 14, 14), (8, 4, 2, 2), (1, 8, 7, 7))
    assert multiply_adds(up) == multiply_adds(down)


@given(st.lists(sizes, max_size=3), st.tuples(sizes, sizes, sizes), st.booleans(), st.booleans())
def test_attention_counts_and_transposing_changes_nothing(
    batch: list[int], matrix: tuple[int, int, int], trans_x: bool, trans_y: bool
) -> None:
    rows, inner, columns = matrix
    left = (*batch, *((inner, rows) if trans_x else (rows, inner)))
    right = (*batch, *((columns, inner) if trans_y else (inner, columns)))
    out = (*batch, rows, columns)
    operator = product("matmul_v2", left, right, out, trans_x=trans_x, trans_y=trans_y)
    assert multiply_adds(operator) == prod(batch) * rows * inner * columns


def test_the_older_product_flattens_its_weights() -> None:
    operator = product("mul", (1, 4, 5), (4, 5, 7), (1, 7), y_num_col_dims=2)
    assert multiply_adds(operator) == 4 * 5 * 7


@pytest.mark.parametrize("kind", ["batch_norm", "relu", "pool2d", "softmax", "elementwise_mul"])
def test_what_is_no_product_of_matrices_costs_nothing(kind: str) -> None:
    assert multiply_adds(product(kind, (1, -1), (1, 8), (1, 8))) == 0


def test_a_product_that_no_rule_knows_is_refused_instead_of_left_out() -> None:
    with pytest.raises(StepRefused, match="operator einsum costs"):
        multiply_adds(Operator("einsum", {}, {}, {}))


def test_a_shape_that_is_not_fixed_is_refused() -> None:
    with pytest.raises(StepRefused, match=r"matmul_v2 .* not fixed"):
        multiply_adds(product("matmul_v2", (-1, 8), (8, 8), (-1, 8)))

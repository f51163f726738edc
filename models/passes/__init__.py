"""Rewrites of what a tool does not take; `PASSES` and `PROGRAM_PASSES` say which and why.

Each pass is a module of its name below this package with a function `rewrite`, which makes the same
be computed by other operators, in place, and returns how many places it changed. Those of `PASSES`
take a `paddle.nn.Layer` and a batch of images, before the export; those of `PROGRAM_PASSES` take
the exported program, a `ProgramDesc`, for one tool only. Passes run in a step's child.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pass:
    """One rewrite.

    Attributes:
        name: its module.
        operator: the operator that a tool does not take.
        series: series that have it where it hurts; none means any.
        tools: the tools that do not take it, with the version tried.
        symptom: what happens without the pass.
        rewrite: what the operator is replaced by.
    """

    name: str
    operator: str
    series: tuple[str, ...]
    tools: tuple[str, ...]
    symptom: str
    rewrite: str


PASSES: tuple[Pass, ...] = (
    Pass(
        name="constant_attention_mask",
        operator="set_value",
        series=("SwinTransformer",),
        tools=("paddle2onnx 1.3.1", "paddlelite 2.13rc0"),
        symptom="paddle2onnx aborts (no attribute fp32_values); Paddle Lite dies in its first run",
        rewrite="the mask, which depends on the input size alone, becomes a constant",
    ),
    Pass(
        name="square_by_product",
        operator="pow",
        series=("ConvNeXt",),
        tools=("paddlelite 2.13rc0, x86",),
        symptom="Paddle Lite gives numbers around 1e36, which end as outputs of zero",
        rewrite="the square becomes the product of a number with itself",
    ),
    Pass(
        name="four_dimensional_involution",
        operator="reduce_sum",
        series=("RedNet",),
        tools=("paddlelite 2.13rc0, x86",),
        symptom="Paddle Lite gives other sums of a tensor with more than four dimensions",
        rewrite="batch and groups, and height and width, become one dimension each",
    ),
    Pass(
        name="fold_by_transposition",
        operator="fold",
        series=("MobileViTV2", "MobileViTV3"),
        tools=("paddle2onnx 1.3.1", "paddlelite 2.13rc0"),
        symptom="both tools abort: they do not have the operator",
        rewrite="patches do not overlap, so a transposition puts them back in their places",
    ),
    Pass(
        name="sum_by_addition",
        operator="sum",
        series=("ResNeSt",),
        tools=("paddlelite 2.13rc0, x86",),
        symptom="Paddle Lite aborts: it does not have the operator",
        rewrite="the parts of a split attention are added one to the next",
    ),
    Pass(
        name="heads_as_rows",
        operator="matmul_v2",
        series=("MobileNetV4",),
        tools=("paddlelite 2.13rc0, x86",),
        symptom="Paddle Lite aborts: it does not repeat one head of keys for several of queries",
        rewrite="the heads of queries become further rows of one product",
    ),
    Pass(
        name="constant_attention_biases",
        operator="gather",
        series=("LeViT",),
        tools=("paddle2onnx 1.3.1",),
        symptom="paddle2onnx hangs in its optimiser: a slice and a gather for each row of places",
        rewrite="the biases, which depend on the weights alone, become a constant",
    ),
)
"""Every pass on a network, in the order in which they run."""

PROGRAM_PASSES: tuple[Pass, ...] = (
    Pass(
        name="mul_by_constant",
        operator="matmul_v2",
        series=(),
        tools=("paddlelite 2.13rc0, int8-dynamic",),
        symptom="Paddle Lite stores the weights as int8 and never reads them back",
        rewrite="the product with a constant matrix becomes mul, whose weights it reads back",
    ),
)
"""Every pass on a program, in the order in which they run; the series is every one that has it."""

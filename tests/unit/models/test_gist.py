"""What tools say is told without where in their own code they said it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.gist import MOST_LETTERS, gist

_IR = (
    "[ONNXRuntimeError] : 1 : FAIL : /onnxruntime_src/onnxruntime/core/graph/model.cc:181 "
    "onnxruntime::Model::Model(onnx::ModelProto&&, const onnxruntime::PathString&, const "
    "onnxruntime::IOnnxRuntimeOpSchemaRegistryList*, const onnxruntime::logging::Logger&, const "
    "onnxruntime::ModelOptions&) Unsupported model IR version: 12, max supported IR version: 11\n"
)
_RESHAPE = (
    "Non-zero status code returned while running Reshape node. Name:'' Status Message: "
    "/onnxruntime_src/onnxruntime/core/providers/cpu/tensor/reshape_helper.h:45 "
    "onnxruntime::ReshapeHelper::ReshapeHelper(const onnxruntime::TensorShape&, "
    "onnxruntime::TensorShapeVector&, bool) input_shape_size == size was false. "
    "Input shape:{1,3,8,8}, requested shape:{1,7}\n"
)


@pytest.mark.parametrize(
    ("said", "useful"),
    [
        (_IR, "Unsupported model IR version: 12, max supported IR version: 11"),
        (
            _RESHAPE,
            "Reshape: input_shape_size == size was false. Input shape:{1,3,8,8}, requested "
            "shape:{1,7}",
        ),
        (
            "Non-zero status code returned while running Conv node. Name:'/stem' Status Message: "
            "C: 1 kernel channels: 3 group: 1",
            "Conv /stem: C: 1 kernel channels: 3 group: 1",
        ),
        (
            "\x1b[1;31m2026-11-26 05:22:29.503 [E:onnxruntime:, executor.cc:572 Execute] no "
            "kernel\x1b[m",
            "no kernel",
        ),
        (
            "/src/a/b.cc:7 auto a::B::run(const std::function<void(int)>&)::<lambda(int)> const "
            "it is broken",
            "it is broken",
        ),
        ("/src/a/b.cc:7 a::B::operator()(int) const it is broken", "it is broken"),
        (
            "InvalidArgumentError: The shape is wrong. (at /paddle/paddle/phi/infermeta.cc:59)\n"
            "  [operator < conv2d > error]",
            "InvalidArgumentError: The shape is wrong",
        ),
        (
            "[F 11/24 14:32:46.266 ...-Lite/lite/op.cc:118 Load] Check failed: op.",
            "Check failed: op",
        ),
        ("ValueError: no operator", "ValueError: no operator"),
        ("no kernel for \x1b]0;mine\x07\u202eexe", "no kernel for ]0;mine exe"),
        ("", ""),
    ],
)
def test_the_useful_half_is_kept(said: str, useful: str) -> None:
    assert gist(said) == useful


@given(st.text(max_size=2_000))
def test_whatever_is_said_is_one_line_that_ends_with_a_word(said: str) -> None:
    told = gist(said)
    assert len(told) <= MOST_LETTERS + len(" ...")
    assert "\n" not in told


def test_what_is_cut_is_cut_between_words() -> None:
    assert gist("word " * 200).endswith("word ...")

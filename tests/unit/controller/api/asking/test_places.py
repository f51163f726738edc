"""A place in a ranking is the same after it was text, and no other text is one."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.api.queries.places import LEFT_OUT, OTHERS
from controller.domain.errors import EdgerankError, ErrorCode

_TEXTS = st.text(st.characters(codec="utf-8"))


@given(st.floats(allow_nan=False, allow_infinity=False), _TEXTS)
def test_of_the_others(median_ms: float, measurement_id: str) -> None:
    place = median_ms, measurement_id
    assert OTHERS.read(OTHERS.written(place)) == place


@given(st.tuples(_TEXTS, _TEXTS, st.integers(1), _TEXTS, st.integers(1), _TEXTS, _TEXTS))
def test_of_what_is_left_out(place: tuple[str, str, int, str, int, str, str]) -> None:
    assert LEFT_OUT.read(LEFT_OUT.written(place)) == place


def test_none_is_none() -> None:
    assert (OTHERS.written(None), OTHERS.read(None)) == (None, None)


@pytest.mark.parametrize(
    "text",
    [
        *("", "none", "[", "null", "[]", "[5.0]", '[5.0, "a", "b"]', '["5.0", "a"]', "[5.0, 1]"),
        *('[NaN, "a"]', '[1e999, "a"]', '{"0": 5.0, "1": "a"}', "[" * 5_000),
        json.dumps(["MobileNetV1", "onnxruntime", 1, "fp32", 1, "pretrained", "a"]),
    ],
)
def test_what_is_none_is_refused(text: str) -> None:
    with pytest.raises(EdgerankError) as refused:
        OTHERS.read(text)
    assert refused.value.code is ErrorCode.INVALID_INPUT

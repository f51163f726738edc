"""Reasons and inputs of any kind, for tests of what carries them."""

import dataclasses
from collections.abc import Mapping
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from protos.fleet import Failure
from protos.inputs import (
    IMAGE_TYPES,
    MAX_BATCH,
    MAX_SIDE,
    ConstantInput,
    ElementType,
    ImageSize,
    InputKind,
    InputValues,
    Layout,
    NetworkInput,
)
from protos.reasons import Reason, ReasonCode


def short_of(domain_type: type, most: int = 1) -> st.SearchStrategy[Any]:
    """Any object of a dataclass; its lists have at most so many, and those of its parts one.

    A ranking holds measurements that hold repetitions that hold states: few of each are many.
    """
    if domain_type in SOUND_INPUTS:
        return SOUND_INPUTS[domain_type]
    hints = get_type_hints(domain_type)
    drawn = {}
    for field in dataclasses.fields(domain_type):
        drawn[field.name] = _short(hints[field.name], most)
        if field.default is not dataclasses.MISSING:
            drawn[field.name] = st.just(field.default) | drawn[field.name]
    return st.builds(domain_type, **drawn)


def _short(hint: Any, most: int) -> st.SearchStrategy[Any]:
    kind, parts = get_origin(hint), get_args(hint)
    if kind is tuple and parts[-1] is Ellipsis:
        return st.lists(_short(parts[0], most), max_size=most).map(tuple)
    if kind is Mapping:
        return st.dictionaries(*(_short(part, most) for part in parts), max_size=most)
    if kind in (Union, UnionType):
        return st.one_of(*(_short(part, most) for part in parts))
    is_part = isinstance(hint, type) and dataclasses.is_dataclass(hint)
    return short_of(hint) if is_part else st.from_type(hint)


def reasons(texts: st.SearchStrategy[str]) -> st.SearchStrategy[Reason]:
    """Any code with any figures that are numbers, and any words."""
    figures = st.floats(allow_nan=False, allow_infinity=False)
    return st.builds(
        Reason,
        code=st.sampled_from(ReasonCode),
        figures=st.dictionaries(texts, figures, max_size=3),
        words=st.dictionaries(texts, texts, max_size=3),
    )


def failures(texts: st.SearchStrategy[str]) -> st.SearchStrategy[Failure]:
    """Failures with a reason or more."""
    told = st.lists(reasons(texts), min_size=1, max_size=3).map(tuple)
    return st.builds(Failure, reasons=told)


image_sizes = st.builds(ImageSize, st.integers(1, MAX_SIDE), st.integers(1, MAX_SIDE))
_NAMES = st.text(min_size=1, max_size=20)
input_values = st.builds(
    InputValues, name=_NAMES, values=st.lists(st.floats(-9, 9), min_size=1, max_size=3).map(tuple)
)
constant_inputs = st.builds(
    ConstantInput,
    name=_NAMES,
    element_type=st.sampled_from((ElementType.FLOAT32, ElementType.INT64)),
    shape=st.just((2, 3)),
    values=st.tuples(*[st.integers(-9, 9).map(float)] * 6),
    for_each_image=st.booleans(),
)
input_kinds = st.builds(
    InputKind,
    layout=st.sampled_from(Layout),
    element_type=st.sampled_from(IMAGE_TYPES),
    channels=st.integers(1, 4),
    constants=st.lists(constant_inputs, max_size=2).map(tuple),
)
network_inputs = st.builds(
    NetworkInput, size=image_sizes, batch=st.integers(1, MAX_BATCH), kind=input_kinds
)
SOUND_INPUTS: Mapping[type, st.SearchStrategy[object]] = {
    ImageSize: image_sizes,
    InputValues: input_values,
    ConstantInput: constant_inputs,
    InputKind: input_kinds,
    NetworkInput: network_inputs,
}
"""Of these dataclasses not everything is sound."""

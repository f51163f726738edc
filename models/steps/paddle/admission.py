"""What a stranger's Paddle program may consist of: operators that compute, and nothing else.

Paddle has operators that write files, talk to others or call Python, and more with each version.
So what is not known to compute on images is refused, `models/data/paddle_operators.csv`.
"""

from __future__ import annotations

import csv
import functools
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paddle
from paddle.base.framework import OpProtoHolder
from paddle.base.proto import framework_pb2

import models
from models.steps.refusal import StepRefused

_OPERATORS_FILE = Path(models.__file__).parent / "data" / "paddle_operators.csv"
_ENDS = frozenset({"feed", "fetch"})

_TYPES = framework_pb2.AttrType
# Where a number is kept, by the kind of attribute.
_NUMBERS = {
    _TYPES.INT: "i",
    _TYPES.INTS: "ints",
    _TYPES.LONG: "l",
    _TYPES.LONGS: "longs",
    _TYPES.FLOAT: "f",
    _TYPES.FLOATS: "floats",
    _TYPES.FLOAT64: "float64",
    _TYPES.FLOAT64S: "float64s",
    _TYPES.BOOLEAN: "b",
    _TYPES.BOOLEANS: "bools",
}
_TEXTS = {_TYPES.STRING: "s", _TYPES.STRINGS: "strings"}
_LISTS = frozenset(
    {_TYPES.INTS, _TYPES.LONGS, _TYPES.FLOATS, _TYPES.FLOAT64S, _TYPES.BOOLEANS, _TYPES.STRINGS}
)
_SINGLE = frozenset(
    {_TYPES.INT, _TYPES.LONG, _TYPES.FLOAT, _TYPES.FLOAT64, _TYPES.BOOLEAN, _TYPES.STRING}
)
_WHOLE = frozenset({_TYPES.INT, _TYPES.INTS, _TYPES.LONG, _TYPES.LONGS})
_FRACTIONS = frozenset({_TYPES.FLOAT, _TYPES.FLOATS, _TYPES.FLOAT64, _TYPES.FLOAT64S})
# Sizes and places within images; the last place of all is written as the largest there is.
_LARGEST = 2**31
_TO_THE_END = frozenset({2**63 - 1, -(2**63)})
# Attributes that are numbers in the program, and those that a variable gives.
_NUMERIC = frozenset({*_NUMBERS, _TYPES.SCALAR, _TYPES.SCALARS, _TYPES.VAR, _TYPES.VARS})
# What a program was written by and where; no operator computes with it, and paths stand in it.
_ORIGIN = frozenset({"op_callstack", "op_namescope", "op_device", "op_role_var"})
# A layout, a mode, a number, an equation; no path has only such characters.
_WORD = re.compile(r"[A-Za-z0-9_.,:>+ -]{0,64}")

_KINDS = framework_pb2.VarType
_VARIABLES = frozenset({_KINDS.LOD_TENSOR, _KINDS.FEED_MINIBATCH, _KINDS.FETCH_LIST, _KINDS.RAW})


@functools.cache
def known_operators() -> frozenset[str]:
    """Return the operators that programs of others may have, beside those of their ends."""
    with _OPERATORS_FILE.open(encoding="utf-8", newline="") as stream:
        return frozenset(row["operator"] for row in csv.DictReader(stream))


def admit(description: Any) -> bytes:
    """Return a program as Paddle may read it: without what says where it comes from.

    Args:
        description: a `ProgramDesc`, which is changed.

    Raises:
        StepRefused: it has more than one block, or operators, attributes or variables that no
            network of images needs; names the first of them.
    """
    _refuse_operators({operator.type for block in description.blocks for operator in block.ops})
    if len(description.blocks) != 1:
        raise StepRefused(
            f"it has {len(description.blocks)} blocks, so that its operators depend on numbers "
            "(if, while); export it without control flow"
        )
    (block,) = description.blocks
    for variable in block.vars:
        if variable.type.type not in _VARIABLES:
            kind = _KINDS.Type.Name(variable.type.type).lower()
            raise StepRefused(f"its variable {variable.name[:40]!a} is a {kind}, and no tensor")
    for operator in block.ops:
        kept = [attribute for attribute in operator.attrs if attribute.name not in _ORIGIN]
        declared = _declared(operator.type)
        for attribute in kept:
            problem = _problem(attribute, declared.get(attribute.name))
            if problem:
                raise StepRefused(
                    f"its operator {operator.type} has an attribute {attribute.name[:40]!a} that "
                    f"{problem}"
                )
        del operator.attrs[:]
        operator.attrs.extend(kept)
    description.DiscardUnknownFields()
    admitted: bytes = description.SerializeToString()
    return admitted


def _refuse_operators(operators: set[str]) -> None:
    unknown = sorted(operators - OpProtoHolder.instance().op_proto_map.keys() - _ENDS)
    if unknown:
        raise StepRefused(
            f"it has operators that Paddle {paddle.__version__} does not have: {_shown(unknown)}"
        )
    forbidden = sorted(operators - known_operators() - _ENDS)
    if forbidden:
        raise StepRefused(
            f"it has operators that no network of images needs: {_shown(forbidden)}; leave out "
            "what comes before the image and after the scores"
        )


def _shown(operators: list[str]) -> str:
    return ", ".join(name[:40] for name in operators[:5])


def _declared(operator: str) -> dict[str, int]:
    """Return the kinds of an operator's attributes, as this Paddle has them."""
    proto = OpProtoHolder.instance().op_proto_map.get(operator)
    return {each.name: each.type for each in proto.attrs} if proto is not None else {}


def _problem(attribute: Any, declared: int | None) -> str:
    """Return what is wrong with an attribute, as the end of a sentence; empty when nothing is."""
    kind = attribute.type
    if kind in _LISTS and declared in _SINGLE:
        return "is a list where Paddle has one value"
    if kind in _TEXTS:
        if declared not in (None, *_TEXTS):
            return "is a text where Paddle has a number"
        return "" if all(map(_WORD.fullmatch, _values(attribute, _TEXTS))) else "is no plain word"
    if kind not in _NUMERIC:
        return "is neither number nor word"
    return _problem_of_number(attribute, declared)


def _problem_of_number(attribute: Any, declared: int | None) -> str:
    kind = attribute.type
    if declared in _TEXTS:
        return "is a number where Paddle has a text"
    if kind in _FRACTIONS and declared in _WHOLE:
        return "is a fraction where Paddle has a whole number"
    # Infinity is one: what is masked in attention is as small as can be.
    if kind in _FRACTIONS and any(map(math.isnan, _values(attribute, _NUMBERS))):
        return "is not a number"
    if kind in _WHOLE and any(map(_is_beyond, _values(attribute, _NUMBERS))):
        return "is larger than anything of an image"
    return ""


def _is_beyond(number: int) -> bool:
    return abs(number) > _LARGEST and number not in _TO_THE_END


def _values(attribute: Any, places: dict[int, str]) -> Iterator[Any]:
    value = getattr(attribute, places[attribute.type])
    yield from (value,) if isinstance(value, str | int | float) else value

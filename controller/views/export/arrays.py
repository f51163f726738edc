"""Arrow's arrays, made of buffers.

Its own way from Python's lists looks for pandas first, and reads it where it is installed: that
takes longer than an export of thousands, and memory for good.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from controller.views.export.columns import Kind


def array_of(kind: Kind, values: Sequence[Any]) -> pa.Array:
    """An array of values of one kind, of which None is none; texts may be bytes of UTF-8.

    Raises:
        OverflowError: a number that has no place in 64 bits.
        TypeError: a value is of another kind.
        ValueError: a text is none of UTF-8.
    """
    are_there = len(values) - values.count(None)
    if not are_there:
        return pa.nulls(len(values), pa.type_for_alias(kind.value))
    for each in set(map(type, values)) - _TYPES[kind] - {type(None)}:
        if kind is not Kind.REAL or not issubclass(each, float):
            raise TypeError(f"{each.__name__} in a column of {kind.value}")
    bits = None
    if are_there < len(values):
        bits = _packed([each is not None for each in values])
        instead = _INSTEAD[kind]
        values = [instead if each is None else each for each in values]
    return _MAKERS[kind](values, bits)


def whole_numbers(values: npt.NDArray[Any]) -> pa.Array:
    """An array of whole numbers of as many bits as these have."""
    return pa.Array.from_buffers(
        pa.from_numpy_dtype(values.dtype), len(values), [None, pa.py_buffer(values)]
    )


def lists_of_lists(
    values: npt.NDArray[np.int64],
    inner_ends: npt.NDArray[np.int32],
    outer_ends: npt.NDArray[np.int32],
) -> pa.Array:
    """Lists of lists, by where each ends in what it holds; the first one begins at 0."""
    inner = pa.ListArray.from_arrays(whole_numbers(inner_ends), whole_numbers(values))
    return pa.ListArray.from_arrays(whole_numbers(outer_ends), inner)


def nested(values: Sequence[Sequence[Sequence[int]]]) -> pa.Array:
    """The same, of lists."""
    inner = list(chain.from_iterable(values))
    return lists_of_lists(
        np.fromiter(chain.from_iterable(inner), dtype=np.int64), _ends(inner), _ends(values)
    )


def _ends(values: Sequence[Any]) -> npt.NDArray[np.int32]:
    """Where each ends when all are put together, behind 0."""
    ends = np.zeros(len(values) + 1, dtype=np.int64)
    np.cumsum(np.fromiter(map(len, values), dtype=np.int64, count=len(values)), out=ends[1:])
    if ends[-1] > np.iinfo(np.int32).max:
        raise OverflowError("more than Arrow has offsets for")
    return ends.astype(np.int32)


def _texts(values: Sequence[str | bytes], bits: pa.Buffer | None) -> pa.Array:
    told = texts_as_bytes(values)
    buffers = [bits, pa.py_buffer(_ends(told)), pa.py_buffer(b"".join(told))]
    found = pa.Array.from_buffers(pa.string(), len(told), buffers)
    found.validate(full=True)
    return found


def texts_as_bytes(values: Sequence[Any]) -> Sequence[bytes]:
    """Texts as bytes of UTF-8, which most that are stored are already."""
    types = set(map(type, values))
    if types <= {bytes}:
        return values
    if types <= {str}:
        return list(map(str.encode, values))
    return [each if isinstance(each, bytes) else each.encode() for each in values]


def _numbers(of: type[np.generic]) -> Callable[[Sequence[Any], pa.Buffer | None], pa.Array]:
    def numbers(values: Sequence[Any], bits: pa.Buffer | None) -> pa.Array:
        packed = np.array(values, dtype=of)
        buffers = [bits, pa.py_buffer(packed)]
        return pa.Array.from_buffers(pa.from_numpy_dtype(packed.dtype), len(packed), buffers)

    return numbers


def _yes_or_no(values: Sequence[bool], bits: pa.Buffer | None) -> pa.Array:
    return pa.Array.from_buffers(pa.bool_(), len(values), [bits, _packed(values)])


def _packed(are_so: Sequence[bool]) -> pa.Buffer:
    return pa.py_buffer(np.packbits(np.array(are_so, dtype=np.bool_), bitorder="little"))


_TYPES: Final[Mapping[Kind, set[type]]] = {
    Kind.TEXT: {str, bytes},
    Kind.WHOLE: {int},
    Kind.REAL: {float, int},
    Kind.YES_OR_NO: {bool},
}
_INSTEAD: Final[Mapping[Kind, Any]] = {
    Kind.TEXT: b"",
    Kind.WHOLE: 0,
    Kind.REAL: 0.0,
    Kind.YES_OR_NO: False,
}
_MAKERS: Final[Mapping[Kind, Callable[[Sequence[Any], pa.Buffer | None], pa.Array]]] = {
    Kind.TEXT: _texts,
    Kind.WHOLE: _numbers(np.int64),
    Kind.REAL: _numbers(np.float64),
    Kind.YES_OR_NO: _yes_or_no,
}

"""Read the index of a combined parameter file (`.pdiparams`), and refuse one of another program.

Paddle reads such a file by position alone: of one that was cut short it makes parameters of
whatever memory held, and of another program's it makes nonsense. The format is a sequence, in the
order of the parameters' names, of version, levels of detail, version, a description with kind and
shape, numbers.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from math import prod
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO

from google.protobuf.message import DecodeError
from paddle.base.proto import framework_pb2

from models.steps.refusal import StepRefused

_MAX_DESCRIPTION_BYTES = 4096

_BYTES_BY_KIND: Mapping[int, int] = MappingProxyType(
    {
        framework_pb2.VarType.BOOL: 1,
        framework_pb2.VarType.UINT8: 1,
        framework_pb2.VarType.INT8: 1,
        framework_pb2.VarType.INT16: 2,
        framework_pb2.VarType.FP16: 2,
        framework_pb2.VarType.BF16: 2,
        framework_pb2.VarType.INT32: 4,
        framework_pb2.VarType.INT64: 8,
        framework_pb2.VarType.FP32: 4,
        framework_pb2.VarType.FP64: 8,
    }
)


def check_parameters(path: Path, shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Refuse a file that does not hold exactly these parameters.

    Args:
        path: the file.
        shapes: shape of each parameter of the program, by name.

    Raises:
        StepRefused: it is too short, too long, or of another program; names the first parameter
            that does not fit.
    """
    with path.open("rb") as stream:
        size_bytes = path.stat().st_size
        for name in sorted(shapes):
            found = _skip_tensor(stream, name, size_bytes)
            if found != shapes[name]:
                raise StepRefused(
                    f"the parameters are of another program: where it has {name} of shape "
                    f"{list(shapes[name])}, they have the shape {list(found)}"
                )
        left_bytes = size_bytes - stream.tell()
    if left_bytes:
        raise StepRefused(
            f"the parameters do not fit the program: {left_bytes} bytes are left after its last one"
        )


def _skip_tensor(stream: BinaryIO, name: str, size_bytes: int) -> tuple[int, ...]:
    """Return a tensor's shape, and leave the stream at its end."""
    version, levels = struct.unpack("<IQ", _read(stream, 12, name))
    if version != 0 or levels > 8:
        raise StepRefused(f"the parameters are no Paddle parameters: {name} begins with no version")
    for _ in range(levels):
        (level_bytes,) = struct.unpack("<Q", _read(stream, 8, name))
        _skip(stream, level_bytes, size_bytes, name)
    version, description_bytes = struct.unpack("<Ii", _read(stream, 8, name))
    if version != 0 or not 0 < description_bytes <= _MAX_DESCRIPTION_BYTES:
        raise StepRefused(f"the parameters are no Paddle parameters: {name} has no description")
    try:
        description = framework_pb2.VarType.TensorDesc.FromString(
            _read(stream, description_bytes, name)
        )
    except DecodeError as error:
        raise StepRefused(
            f"the parameters are no Paddle parameters: {name} has a damaged description"
        ) from error
    shape = tuple(description.dims)
    if description.data_type not in _BYTES_BY_KIND or any(size < 0 for size in shape):
        raise StepRefused(f"the parameters hold {name} in a kind of number that is not known")
    _skip(stream, prod(shape) * _BYTES_BY_KIND[description.data_type], size_bytes, name)
    return shape


def _read(stream: BinaryIO, count: int, name: str) -> bytes:
    read = stream.read(count)
    if len(read) != count:
        raise _too_short(name)
    return read


def _skip(stream: BinaryIO, count: int, size_bytes: int, name: str) -> None:
    if count > size_bytes - stream.tell():
        raise _too_short(name)
    stream.seek(count, 1)


def _too_short(name: str) -> StepRefused:
    return StepRefused(f"the parameters are too short for the program: they end before {name} does")

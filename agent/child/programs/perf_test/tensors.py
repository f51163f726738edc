"""Writes an input as `onnxruntime_perf_test` reads it: a `TensorProto` of ONNX."""

from pathlib import Path
from typing import Final

from agent.runtimes import InputArray

# Of onnx.proto: field numbers, and the number of float32.
_DIMS: Final = 1
_DATA_TYPE: Final = 2
_RAW_DATA: Final = 9
_FLOAT32: Final = 1
_VARINT: Final = 0
_BYTES: Final = 2


def write_tensor(images: InputArray, path: Path) -> None:
    """Write an array of float32; without a name, it is the network's first input."""
    content = bytearray()
    for axis in images.shape:
        content += _key(_DIMS, _VARINT) + _varint(axis)
    content += _key(_DATA_TYPE, _VARINT) + _varint(_FLOAT32)
    raw = images.astype("<f4").tobytes()
    content += _key(_RAW_DATA, _BYTES) + _varint(len(raw))
    path.write_bytes(bytes(content) + raw)


def _key(field: int, kind: int) -> bytes:
    return _varint(field << 3 | kind)


def _varint(number: int) -> bytes:
    content = bytearray()
    while number > 0x7F:
        content.append(number & 0x7F | 0x80)
        number >>= 7
    content.append(number)
    return bytes(content)

"""What a network gives on the reference inputs, as a small file of plain numbers.

The first line is a JSON document, behind it are float32 numbers, the lowest byte first: of the
first output those of every input, then of the next. Of a network with more numbers than a small
file has room for, every n-th is there.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from cattrs import Converter

from protos.reference.noise import REFERENCE_INPUTS

Numbers = npt.NDArray[np.float32]

MAX_NUMBERS: Final = 2**18
"""About so many numbers are kept of each input: 1 MiB."""

MAX_FILE_BYTES: Final = 16 * 1024**2
_MAX_HEAD_BYTES: Final = 1024**2
_VERSION: Final = 1
_NUMBER: Final = np.dtype("<f4")
_converter = Converter()


class ReferenceUnreadable(ValueError):
    """The bytes are no file of reference outputs that this version reads; the message says why."""


@dataclass(frozen=True, kw_only=True)
class _Head:
    """What the first line says.

    Attributes:
        version: of the format.
        inputs_sha256: of the bytes of all inputs, in order.
        shapes: of each output on one input.
        step: every how many numbers of an output one is kept.
        least_score: see `ReferenceOutputs`.
    """

    version: int
    inputs_sha256: str
    shapes: tuple[tuple[int, ...], ...]
    step: int
    least_score: float


@dataclass(frozen=True, eq=False)
class ReferenceOutputs:
    """What a network is to give.

    Attributes:
        inputs_sha256: of the inputs that it gives them on, see `inputs_digest`.
        shapes: of each output on one input.
        step: every how many numbers of an output, row by row, one is kept.
        kept: of each output the numbers, shaped (inputs, numbers).
        least_score: outputs within 0 and 1 are compared as if the largest were at least this.
    """

    inputs_sha256: str
    shapes: tuple[tuple[int, ...], ...]
    step: int
    kept: tuple[Numbers, ...]
    least_score: float = 0.0

    def of_one(self, output: npt.NDArray[Any]) -> Numbers:
        """The numbers of one output on one input that are kept, as float32."""
        kept: Numbers = output.reshape(-1)[:: self.step].astype(np.float32)
        return kept


def inputs_digest(inputs: Iterable[npt.NDArray[Any]]) -> str:
    """SHA-256 of the bytes of inputs, lower-case hex."""
    digest = hashlib.sha256()
    for each in inputs:
        digest.update(each.tobytes())
    return digest.hexdigest()


def write_outputs(
    path: Path,
    inputs: npt.NDArray[Any],
    outputs: Sequence[npt.NDArray[Any]],
    least_score: float = 0.0,
) -> None:
    """Write what a network gives on the reference inputs.

    Args:
        path: of the file.
        inputs: those of `protos.reference.noise.reference_inputs`, and more if there are.
        outputs: each output on them, stacked over the inputs.
        least_score: see `ReferenceOutputs`.
    """
    shapes = tuple(tuple(each.shape[1:]) for each in outputs)
    head = _Head(
        version=_VERSION,
        inputs_sha256=inputs_digest(inputs[:REFERENCE_INPUTS]),
        shapes=shapes,
        step=max(1, -(-sum(map(prod, shapes)) // MAX_NUMBERS)),
        least_score=least_score,
    )
    with path.open("wb") as file:
        file.write(json.dumps(_converter.unstructure(head)).encode() + b"\n")
        for each in outputs:
            rows = each[:REFERENCE_INPUTS].reshape(REFERENCE_INPUTS, -1)
            file.write(rows[:, :: head.step].astype(_NUMBER).tobytes())


def read_outputs(path: Path) -> ReferenceOutputs:
    """Read what `write_outputs` wrote.

    Raises:
        ReferenceUnreadable: the file is another one, of a newer version, or too large.
        OSError: the file cannot be read.
    """
    if path.stat().st_size > MAX_FILE_BYTES:
        raise ReferenceUnreadable(f"it is larger than {MAX_FILE_BYTES} bytes")
    with path.open("rb") as file:
        head = _head(file.readline(_MAX_HEAD_BYTES))
        rest = file.read()
    lengths = [-(-prod(shape) // head.step) for shape in head.shapes]
    if len(rest) != REFERENCE_INPUTS * sum(lengths) * _NUMBER.itemsize:
        raise ReferenceUnreadable("it has other numbers than its first line says")
    numbers = np.frombuffer(rest, _NUMBER).astype(np.float32)
    if not np.isfinite(numbers).all():
        raise ReferenceUnreadable("its numbers are not finite")
    parts = np.split(numbers, np.cumsum([REFERENCE_INPUTS * each for each in lengths])[:-1])
    return ReferenceOutputs(
        inputs_sha256=head.inputs_sha256,
        shapes=head.shapes,
        step=head.step,
        kept=tuple(each.reshape(REFERENCE_INPUTS, -1) for each in parts),
        least_score=head.least_score,
    )


def _head(line: bytes) -> _Head:
    try:
        head = _converter.structure(json.loads(line), _Head)
    except Exception as error:
        raise ReferenceUnreadable("its first line is of another file") from error
    is_sound = head.step >= 1 and head.shapes and all(min(s, default=1) >= 1 for s in head.shapes)
    if head.version != _VERSION or not is_sound:
        raise ReferenceUnreadable(f"its format, of version {head.version}, is not known here")
    return head

"""Models that people bring: what kinds there are, how their files are kept, and what may be added.

The files of an own model are kept in a folder that is named by their digest, which also stands for
its architecture: there is no function that would build it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from types import MappingProxyType

from models.catalog.catalog import Backbone
from models.digest import canonical_sha256, file_sha256
from protos.inputs import NetworkInput

OWN_SERIES = "own"
"""The series of every own model; no published one has it."""

MAX_OWN_BYTES = 2_000_000_000
"""Largest size of an own model's files together; an ONNX file, being one protobuf, ends there."""


class OwnFormat(Enum):
    """What a person has: one ONNX file, or a Paddle program with its parameters."""

    ONNX = "onnx"
    PADDLE = "paddle"


class InputAxis(Enum):
    """An axis of the image that a model takes."""

    CHANNELS = "channels"
    HEIGHT = "height"
    WIDTH = "width"


@dataclass(frozen=True, kw_only=True)
class AssumedAxis:
    """An axis of the input that a model left open, nobody named, and was taken to be of a size.

    Attributes:
        axis: which one.
        size: its length: pixels, or channels.
    """

    axis: InputAxis
    size: int


FILE_NAMES: Mapping[OwnFormat, tuple[str, ...]] = MappingProxyType(
    {
        OwnFormat.ONNX: ("model.onnx",),
        OwnFormat.PADDLE: ("model.pdmodel", "model.pdiparams"),
    }
)
"""The files of each format, in the order in which they travel."""


def is_own(backbone: Backbone) -> bool:
    """Say whether a person brought this backbone."""
    return backbone.series == OWN_SERIES


def own_backbone(
    name: str, own_format: OwnFormat, digest: str, takes: NetworkInput, params_m: float
) -> Backbone:
    """Return an own model as a backbone; its accuracy is not known.

    Args:
        name: unique name.
        own_format: what it was brought as.
        digest: see `own_digest`.
        takes: what it is given where nobody says of which size and batch.
        params_m: millions of numbers in its weights, counted.
    """
    return Backbone(
        name=name,
        architecture=digest,
        series=OWN_SERIES,
        top1=None,
        top5=None,
        params_m=None,
        flops_g=None,
        input_size=takes.size,
        distilled=False,
        extra_data=False,
        source=_source(own_format),
        counted_params_m=params_m,
        batch=takes.batch,
        input_kind=takes.kind,
    )


def lacks_paddle_program(backbone: Backbone) -> bool:
    """Say whether a backbone is an own model that was brought as ONNX, which stays ONNX."""
    return is_own(backbone) and backbone.source == _source(OwnFormat.ONNX)


def _source(own_format: OwnFormat) -> str:
    return f"own model, added as {own_format.value}"


def own_digest(folder: Path) -> str:
    """Return the digest of the model whose files are in a folder.

    Raises:
        OSError: a file is missing or cannot be read.
    """
    names = FILE_NAMES[own_format_of(folder)]
    return canonical_sha256({name: file_sha256(folder / name) for name in names})


def own_format_of(folder: Path) -> OwnFormat:
    """Return the format of the model whose files are in a folder."""
    is_onnx = (folder / FILE_NAMES[OwnFormat.ONNX][0]).exists()
    return OwnFormat.ONNX if is_onnx else OwnFormat.PADDLE


def own_folder(weights_dir: Path, digest: str) -> Path:
    """Return where the files of an own model are kept below a folder of weights."""
    return weights_dir / "own" / digest

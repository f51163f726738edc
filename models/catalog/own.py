"""Models that people bring: what kinds there are, how their files are kept, and what may be added.

The files of an own model are kept in a folder that is named by their digest, which also stands for
its architecture: there is no function that would build it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from types import MappingProxyType

import cattrs

from models.catalog.catalog import Backbone
from models.catalog.precisions import Precision
from models.digest import canonical_sha256, file_sha256
from protos.inputs import ImageSize, NetworkInput

OWN_SERIES = "own"
"""The series of every own model; no published one has it."""

MAX_OWN_BYTES = 2_000_000_000
"""Largest size of an own model's files together; an ONNX file, being one protobuf, ends there."""


class OwnFormat(Enum):
    """What a person has."""

    ONNX = "onnx"
    """One ONNX file."""
    PADDLE = "paddle"
    """A Paddle program with its parameters."""
    WEIGHTS = "weights"
    """Trained weights of an architecture of the catalog, as `paddle.save` writes them."""


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What weights of an architecture are of.

    Attributes:
        architecture: name of the network.
        evaluation_size: of its images in the catalog; at another size some networks are built
            otherwise.
        classes: how many it tells apart; None is what the weights say.
    """

    architecture: str
    evaluation_size: ImageSize
    classes: int | None = None


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
        OwnFormat.WEIGHTS: ("model.pdparams",),
    }
)
"""The files of each format, in the order in which they travel."""

# Beside weights: what they are of.
_TRAINED_FILE = "architecture.json"


def is_own(backbone: Backbone) -> bool:
    """Say whether a person brought this backbone."""
    return backbone.series == OWN_SERIES


def own_backbone(
    name: str,
    own_format: OwnFormat,
    digest: str,
    takes: NetworkInput,
    params_m: float,
    *,
    precision: Precision = Precision.FP32,
) -> Backbone:
    """Return an own model as a backbone; its accuracy is not known.

    Args:
        name: unique name.
        own_format: what it was brought as.
        digest: see `own_digest`.
        takes: what it is given where nobody says of which size and batch.
        params_m: millions of numbers in its weights, counted.
        precision: in which it came.
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
        precision=precision,
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
    own_format = own_format_of(folder)
    names = FILE_NAMES[own_format]
    if own_format is OwnFormat.WEIGHTS:
        names = (*names, _TRAINED_FILE)
    return canonical_sha256({name: file_sha256(folder / name) for name in names})


def own_format_of(folder: Path) -> OwnFormat:
    """Return the format of the model whose files are in a folder."""
    return next(
        (each for each, names in FILE_NAMES.items() if (folder / names[0]).exists()),
        OwnFormat.PADDLE,
    )


def write_trained(folder: Path, trained: Trained) -> Path:
    """Write beside weights what they are of, and return that file."""
    path = folder / _TRAINED_FILE
    path.write_text(json.dumps(cattrs.unstructure(trained), sort_keys=True), encoding="utf-8")
    return path


def read_trained(folder: Path) -> Trained:
    """Return what the weights in a folder are of.

    Raises:
        OSError: it cannot be read.
    """
    text = (folder / _TRAINED_FILE).read_text(encoding="utf-8")
    return cattrs.structure(json.loads(text), Trained)


def own_folder(weights_dir: Path, digest: str) -> Path:
    """Return where the files of an own model are kept below a folder of weights."""
    return weights_dir / "own" / digest

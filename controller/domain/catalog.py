"""What people bring: accuracy, and models of their own."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Final, NamedTuple

from controller.domain.errors import EdgerankError, ErrorCode
from models.catalog.catalog import IMAGENET, Backbone, Catalog
from models.catalog.own import MAX_OWN_BYTES, AssumedAxis, OwnFormat, is_own, own_backbone
from models.catalog.precisions import Precision
from protos.inputs import ImageSize, InputValues, NetworkInput


class AccuracyMetric(Enum):
    """In how many of 100 images the right class is the first, or among the first five."""

    TOP1 = "top1"
    TOP5 = "top5"


@dataclass(frozen=True, kw_only=True)
class AccuracyFigure:
    """One row of a CSV file of accuracy; `row` is its line; without a size it holds at any."""

    row: int
    backbone: str
    dataset: str
    metric: AccuracyMetric
    value_percent: float
    precision: Precision
    source: str
    input_size: ImageSize | None = None


@dataclass(frozen=True, kw_only=True)
class AccuracyImport:
    """What an import did; replaced figures are among the counted ones."""

    figure_count: int
    replaced_count: int


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """A dataset that accuracy is known on.

    Attributes:
        name: unique name.
        backbone_count: backbones that it has a figure of.
        figure_count: figures.
        metrics: those that it has figures of.
        precisions: precisions that the figures are of.
        input_sizes: sizes that figures hold at, in their order; figures that hold at any have
            none.
        of_other_files: names of models whose figures here belong to files that have the name no
            more: the model was removed, or another has its name now.
    """

    name: str
    backbone_count: int
    figure_count: int
    metrics: tuple[AccuracyMetric, ...]
    precisions: tuple[Precision, ...]
    input_sizes: tuple[ImageSize, ...] = ()
    of_other_files: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class OwnFile:
    """One file of an own model on its way."""

    size_bytes: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class OwnModelHeader:
    """What comes before the bytes of an own model; without a size, the model says its own.

    `inputs` are those that are no image, with their values. Of weights it says which architecture
    or backbone of the catalog they are of, and may say for how many classes they must be.
    """

    name: str
    format: OwnFormat
    files: tuple[OwnFile, ...]
    input_size: ImageSize | None = None
    inputs: tuple[InputValues, ...] = ()
    architecture: str | None = None
    classes: int | None = None


@dataclass(frozen=True, kw_only=True)
class OwnModel:
    """A model that a person added.

    Attributes:
        name: unique name.
        format: what it was added as.
        digest: SHA-256 over the digests of its files.
        size_bytes: size of its files, bytes.
        takes: what it is given where nobody says of which size and batch.
        params_m: millions of numbers in its weights, as we counted them.
        output_shapes: shape of each output for the batch that it is given: `1x1000`.
        added_at_unix_ms: when it was added, ms since 1970 UTC.
        assumed: axes of its image that it left open, nobody named, and were taken to be of a size.
        ir_version: of an ONNX file, the lowest that it needs; None of a Paddle program.
        opset: of an ONNX file, the version of its operators; None of a Paddle program.
        architecture: of weights, the architecture of the catalog that they are of; else None.
        precision: in which it came: int8 where it is quantised by itself.
    """

    name: str
    format: OwnFormat
    digest: str
    size_bytes: int
    takes: NetworkInput
    params_m: float
    output_shapes: tuple[str, ...]
    added_at_unix_ms: int
    assumed: tuple[AssumedAxis, ...] = ()
    ir_version: int | None = None
    opset: int | None = None
    architecture: str | None = None
    precision: Precision = Precision.FP32


def as_backbone(model: OwnModel) -> Backbone:
    """An own model as a backbone."""
    return own_backbone(
        model.name,
        model.format,
        model.digest,
        model.takes,
        model.params_m,
        precision=model.precision,
    )


def joined_catalog(packaged: Iterable[Backbone], models: Iterable[OwnModel]) -> Catalog:
    """The packaged backbones, then the own models.

    Figures keep their model: where a newer package has a backbone of an own model's name, the name
    stays the own model's.
    """
    own = [as_backbone(model) for model in models]
    taken = {backbone.name for backbone in own}
    return Catalog([*(backbone for backbone in packaged if backbone.name not in taken), *own])


COLUMNS: Final = ("name", "dataset", "metric", "value", "precision", "source")
"""The columns of the file, in any order."""


class FigureKey(NamedTuple):
    """What there is one accuracy figure of.

    Attributes:
        backbone: its name.
        dataset: the dataset's.
        metric: which one.
        precision: of the weights.
        input_size: that it holds at; None is any.
        model_digest: digest of the own model that had the name; empty for a backbone of the
            catalog, whose figures are bound to its name.
    """

    backbone: str
    dataset: str
    metric: AccuracyMetric
    precision: Precision
    input_size: ImageSize | None = None
    model_digest: str = ""


class AccuracyInvalid(EdgerankError):
    """A file of accuracy cannot be taken in; the message names the row and column."""

    def __init__(self, row: int, column: str | None, problem: str) -> None:
        where = f"row {row}" if column is None else f"row {row}, column {column}"
        super().__init__(ErrorCode.INVALID_INPUT, f"{where}: {problem}; nothing was imported")


def key_of(figure: AccuracyFigure, catalog: Catalog) -> FigureKey:
    """What the figure is of, when the names are those of a catalog."""
    return FigureKey(
        figure.backbone,
        figure.dataset,
        figure.metric,
        figure.precision,
        figure.input_size,
        model_digest(figure.backbone, catalog),
    )


def model_digest(name: str, catalog: Catalog) -> str:
    """The digest of the own model of a name; empty where it names none."""
    if name not in catalog or not is_own(catalog.get(name)):
        return ""
    return catalog.get(name).architecture


_NAMES_OF_IMAGENET: Final = frozenset({"imagenet", "imagenet1k", "ilsvrc2012"})


def dataset_meant(name: str) -> str:
    """The dataset of this name; what people call ImageNet-1k is called ImageNet-1k."""
    folded = "".join(letter for letter in name.casefold() if letter.isalnum())
    return IMAGENET if folded in _NAMES_OF_IMAGENET else name


def looks_like_fraction(figure: AccuracyFigure) -> bool:
    """Whether its value may be meant as a fraction of 1, though it is taken as percent."""
    return figure.value_percent <= 1


def check_size(name: str, size_bytes: int) -> None:
    """Refuse a model that is larger than what is taken.

    Raises:
        EdgerankError: INVALID_INPUT, with both sizes.
    """
    if size_bytes > MAX_OWN_BYTES:
        raise EdgerankError(
            ErrorCode.INVALID_INPUT,
            f"{name} has {size_bytes / 1e9:.1f} GB; a model has at most "
            f"{MAX_OWN_BYTES / 1e9:.0f} GB",
        )

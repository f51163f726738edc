"""The catalog of backbones: published accuracy, size and cost, looked up by exact name."""

from __future__ import annotations

import csv
import functools
import io
import itertools
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, dataclass, fields, replace
from importlib import resources

from models.catalog.counted import Counted, parse_counted
from models.catalog.precisions import Precision
from models.names import nearest
from protos.inputs import MAX_SIDE, ImageSize, InputKind, square

IMAGENET = "ImageNet-1k"
"""The dataset that published accuracy is of."""

DEMO_BACKBONES: tuple[str, ...] = (
    "PPLCNet_x0_25",
    "PPLCNet_x1_0",
    "PPLCNetV2_base",
    "MobileNetV1",
    "MobileNetV2",
    "MobileNetV3_small_x1_0",
    "MobileNetV3_large_x1_0",
    "GhostNet_x1_3",
    "ShuffleNetV2_x1_0",
    "ReXNet_2_0",
    "EfficientNetB2",
    "LeViT_128S",
)
"""A dozen backbones of different design that a phone can run; the demonstration measures them."""

INT8_ACCURACY = frozenset({"MobileNetV3_large_x1_0_ssld_int8"})
"""Backbones whose published accuracy is that of quantised weights."""


@dataclass(frozen=True, slots=True)
class Backbone:
    """A network with one set of published weights: published figures, and those that we counted.

    Attributes:
        name: unique name.
        architecture: the network; several backbones may share one.
        series: family of networks.
        top1: ImageNet-1k top-1 accuracy, percent; None where none is published.
        top5: the same for top-5.
        params_m: millions of parameters; None where nobody published them.
        flops_g: 10^9 multiply-adds of one image; None where nobody published them.
        input_size: size of the evaluation crop.
        distilled: whether the weights come from knowledge distillation.
        extra_data: whether the weights saw images beyond ImageNet-1k.
        source: document that the figures come from, or the file that defines the network.
        counted_params_m: millions of parameters as we counted them; None where the network cannot
            run.
        counted_flops_g: 10^9 multiply-adds of one image at `input_size`, counted likewise.
        batch: images per inference where nobody says how many.
        input_kind: what it takes besides.
        precision: in which it comes: int8 where a person brought it quantised.
    """

    name: str
    architecture: str
    series: str
    top1: float | None
    top5: float | None
    params_m: float | None
    flops_g: float | None
    input_size: ImageSize
    distilled: bool
    extra_data: bool
    source: str
    counted_params_m: float | None = None
    counted_flops_g: float | None = None
    batch: int = 1
    input_kind: InputKind = InputKind()
    precision: Precision = Precision.FP32


COLUMNS = tuple(field.name for field in fields(Backbone) if field.default is MISSING)
"""Columns of the catalog's files; what we counted ourselves is in a file of its own."""


class UnknownBackbone(ValueError):
    """No backbone has the name; the message lists the nearest ones.

    Attributes:
        name: what was asked for.
        nearest: up to three names of the catalog, nearest first.
    """

    def __init__(self, name: str, nearest: tuple[str, ...]) -> None:
        hint = f"; nearest: {', '.join(nearest)}" if nearest else ""
        super().__init__(f"no backbone is named {name!r}{hint}")
        self.name = name
        self.nearest = nearest


class CatalogInvalid(ValueError):
    """A row of the catalog is not what it should be.

    Attributes:
        row: line number in the file, the header being 1.
        column: name of the column, or None for the row as a whole.
    """

    def __init__(self, row: int, column: str | None, problem: str) -> None:
        where = f"row {row}" if column is None else f"row {row}, column {column}"
        super().__init__(f"catalog {where}: {problem}")
        self.row = row
        self.column = column


class Catalog:
    """Backbones in a fixed order, looked up by exact name."""

    def __init__(self, backbones: Iterable[Backbone]) -> None:
        """Raise ValueError when two backbones share a name."""
        by_name: dict[str, Backbone] = {}
        for backbone in backbones:
            if backbone.name in by_name:
                raise ValueError(f"two backbones are named {backbone.name!r}")
            by_name[backbone.name] = backbone
        self._by_name: Mapping[str, Backbone] = by_name

    def get(self, name: str) -> Backbone:
        """Return the backbone of exactly this name.

        Raises:
            UnknownBackbone: there is none.
        """
        try:
            return self._by_name[name]
        except KeyError:
            raise UnknownBackbone(name, self.nearest(name)) from None

    def add(self, backbone: Backbone) -> None:
        """Add a backbone at the end; whoever iterates at that moment does not see it.

        Raises:
            ValueError: the name is taken.
        """
        if backbone.name in self._by_name:
            raise ValueError(f"two backbones are named {backbone.name!r}")
        self._by_name = {**self._by_name, backbone.name: backbone}

    def remove(self, name: str) -> None:
        """Remove the backbone of this name, if there is one."""
        self._by_name = {known: one for known, one in self._by_name.items() if known != name}

    def __iter__(self) -> Iterator[Backbone]:
        return iter(self._by_name.values())

    def __len__(self) -> int:
        return len(self._by_name)

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def nearest(self, name: str) -> tuple[str, ...]:
        """Return up to three names like this one, nearest first."""
        return nearest(name, self._by_name)


@functools.cache
def load_catalog() -> Catalog:
    """Return the catalog that comes with the package, validated.

    Published backbones come first, then architectures without published figures; both with what
    we counted.

    Raises:
        CatalogInvalid: one of the package's files is damaged.
        CountsInvalid: the file of counted figures is damaged.
    """
    counts = parse_counted(_read("counted.csv"))
    unpublished = parse_catalog(_read("unpublished.csv"))
    return Catalog(
        _with_counts(backbone, counts.get((backbone.architecture, backbone.input_size.height)))
        for backbone in itertools.chain(load_published(), unpublished)
    )


def load_published() -> Catalog:
    """Return the backbones that have published figures, and no more than these.

    Raises:
        CatalogInvalid: the package's file is damaged.
    """
    return parse_catalog(_read("backbones.csv"))


def _read(name: str) -> str:
    return resources.files("models").joinpath(f"data/{name}").read_text(encoding="utf-8")


def _with_counts(backbone: Backbone, counted: Counted | None) -> Backbone:
    if counted is None:
        return backbone
    return replace(
        backbone,
        counted_params_m=counted.params / 1e6,
        counted_flops_g=counted.multiply_adds / 1e9,
    )


def parse_catalog(text: str) -> Catalog:
    """Parse and validate a catalog in CSV; an empty figure means that none is published.

    Raises:
        CatalogInvalid: a wrong header, type or range, or a name that is there twice.
    """
    reader = csv.DictReader(io.StringIO(text), strict=True)
    if tuple(reader.fieldnames or ()) != COLUMNS:
        raise CatalogInvalid(1, None, f"the columns must be {','.join(COLUMNS)}")
    backbones: dict[str, Backbone] = {}
    try:
        for cells in reader:
            backbone = _parse_row(reader.line_num, cells)
            if backbone.name in backbones:
                raise CatalogInvalid(reader.line_num, "name", f"{backbone.name!r} is there twice")
            backbones[backbone.name] = backbone
    except csv.Error as error:
        raise CatalogInvalid(reader.line_num + 1, None, str(error)) from error
    return Catalog(backbones.values())


def _parse_row(row: int, cells: Mapping[str | None, str | None]) -> Backbone:
    if None in cells or None in cells.values():
        raise CatalogInvalid(row, None, f"must have {len(COLUMNS)} cells")
    cell = _Cells(row, {str(column): value or "" for column, value in cells.items()})
    top1 = cell.figure("top1", maximum=100)
    top5 = cell.figure("top5", maximum=100)
    if top1 is not None and top5 is not None and top5 < top1:
        raise CatalogInvalid(row, "top5", f"{top5:g} is below top-1 of {top1:g}")
    return Backbone(
        name=cell.text("name"),
        architecture=cell.text("architecture"),
        series=cell.text("series"),
        top1=top1,
        top5=top5,
        params_m=cell.figure("params_m"),
        flops_g=cell.figure("flops_g"),
        input_size=cell.square("input_size"),
        distilled=cell.truth("distilled"),
        extra_data=cell.truth("extra_data"),
        source=cell.text("source"),
    )


@dataclass(frozen=True, slots=True)
class _Cells:
    """One row's cells, read by type."""

    row: int
    cells: Mapping[str, str]

    def text(self, column: str) -> str:
        value = self.cells[column]
        if not value or value != value.strip():
            raise CatalogInvalid(self.row, column, "must be a text without spaces around it")
        return value

    def figure(self, column: str, maximum: float = math.inf) -> float | None:
        value = self.cells[column]
        if not value:
            return None
        try:
            figure = float(value)
        except ValueError:
            raise CatalogInvalid(self.row, column, f"{value!r} is not a number") from None
        if not (math.isfinite(figure) and 0 < figure <= maximum):
            limit = "" if maximum == math.inf else f" and at most {maximum:g}"
            raise CatalogInvalid(self.row, column, f"{value} must be above 0{limit}")
        return figure

    def square(self, column: str) -> ImageSize:
        value = self.cells[column]
        if not (value.isascii() and value.isdigit() and 1 <= int(value) <= MAX_SIDE):
            problem = f"{value!r} must be a whole number from 1 to {MAX_SIDE}"
            raise CatalogInvalid(self.row, column, problem)
        return square(int(value))

    def truth(self, column: str) -> bool:
        value = self.cells[column]
        if value not in ("true", "false"):
            raise CatalogInvalid(self.row, column, f"{value!r} must be true or false")
        return value == "true"

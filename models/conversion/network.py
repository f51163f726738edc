"""Which network an export builds: that of a backbone, or of weights that a person trained."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from models.catalog.catalog import Backbone, load_catalog
from models.catalog.own import FILE_NAMES, OwnFormat, own_format_of, read_trained
from models.catalog.variants import WeightsKind
from models.weights.weights import Weights
from protos.inputs import ImageSize


@dataclass(frozen=True, slots=True)
class Network:
    """What is built, and with which weights.

    Attributes:
        architecture: its name.
        series: its family.
        evaluation_size: of the architecture's own images.
        weights_path: a `.pdparams` file, or None for synthetic weights.
        classes: how many it tells apart; None is what it was published for.
    """

    architecture: str
    series: str
    evaluation_size: ImageSize
    weights_path: Path | None
    classes: int | None = None


def adopted_format(weights: Weights) -> OwnFormat | None:
    """Return the format of an own model that has a graph, None for what is exported."""
    if weights.kind is not WeightsKind.OWN or weights.path is None:
        return None
    own_format = own_format_of(weights.path)
    return None if own_format is OwnFormat.WEIGHTS else own_format


def exported_network(backbone: Backbone, weights: Weights) -> Network:
    """Return what is exported of a backbone, unless it has a graph of its own."""
    path = weights.path
    if weights.kind is not WeightsKind.OWN or path is None:
        return Network(backbone.architecture, backbone.series, backbone.input_size, path)
    trained = read_trained(path)
    return Network(
        trained.architecture,
        next(
            (each.series for each in load_catalog() if each.architecture == trained.architecture),
            backbone.series,
        ),
        trained.evaluation_size,
        path / FILE_NAMES[OwnFormat.WEIGHTS][0],
        trained.classes,
    )

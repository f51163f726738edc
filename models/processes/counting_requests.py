"""What the parent asks of the steps that count, and what they answer; see `requests`."""

from __future__ import annotations

from dataclasses import dataclass

from models.catalog.features import NetworkFeatures


@dataclass(frozen=True, slots=True)
class CountRequest:
    """Count what an architecture's program costs.

    Attributes:
        architecture: name of the building function in PaddleClas.
        input_size: height and width of the input, pixels.
    """

    architecture: str
    input_size: int


@dataclass(frozen=True, slots=True)
class CountAnswer:
    """What a program costs for one image.

    Attributes:
        params: trained parameters.
        multiply_adds: of convolutions and matrix products.
        operators: kinds of its operators, sorted.
        features: what it does, by kind of work.
    """

    params: int
    multiply_adds: int
    operators: tuple[str, ...]
    features: NetworkFeatures


@dataclass(frozen=True, slots=True)
class ListArchitecturesRequest:
    """List what PaddleClas can build."""


@dataclass(frozen=True, slots=True)
class ListArchitecturesAnswer:
    """What PaddleClas can build.

    Attributes:
        modules: defining module by architecture, below `ppcls.arch.backbone`.
    """

    modules: dict[str, str]

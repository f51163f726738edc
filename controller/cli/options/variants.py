"""The options that say what variants of a backbone are wanted, with which weights."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import click

from controller.cli.options.grouping import option_group
from controller.cli.options.values import (
    Converted,
    OneOf,
    read_accelerators,
    read_batches,
    read_input_sizes,
    read_precisions,
)
from models.catalog.precisions import MADE_PRECISIONS, Precision
from models.catalog.variants import WeightsKind
from protos.inputs import MAX_BATCH, MAX_SIDE, ImageSize


@dataclass(frozen=True, kw_only=True)
class WantedVariants:
    """What these options say; the fields are those of `SweepSpec` and `ConversionSpec`."""

    precisions: tuple[Precision, ...]
    input_sizes: tuple[ImageSize, ...]
    batches: tuple[int, ...]
    weights: WeightsKind


def weights_option(default: WeightsKind) -> Callable[[Any], Any]:
    """The option --weights, with the command's own default."""
    return click.option(
        "--weights",
        type=OneOf((WeightsKind.PRETRAINED, WeightsKind.SYNTHETIC)),
        default=default.value,
        show_default=True,
        help="pretrained: as published, fetched once. synthetic: seeded and calibrated, no "
        "network; the structure's latency, never its accuracy. An own model has its own.",
    )


def accelerators_option(told: str) -> Callable[[Any], Any]:
    """The option --accelerators, with what the command does with them."""
    return click.option(
        "--accelerators",
        type=Converted("accelerators", read_accelerators),
        metavar="opencl,nnapi",
        default=(),
        help=told,
    )


def precisions_option(told: str) -> Callable[[Any], Any]:
    """The option --precisions, with what the command does with them."""
    return click.option(
        "--precisions",
        type=Converted("precisions", read_precisions),
        metavar="NAME,NAME|all",
        default=(),
        help=f"{told}  [default: fp32; int8 of what came quantised]",
    )


variant_options = option_group(
    "Variants",
    "variants",
    WantedVariants,
    precisions_option(
        f"Of {', '.join(precision.value for precision in MADE_PRECISIONS)}, "
        f"those that a format has for its target; {Precision.INT8.value} is of a model that came "
        "quantised."
    ),
    click.option(
        "--input-size",
        "input_sizes",
        type=Converted("sizes", read_input_sizes),
        metavar="PX,PX",
        default=(),
        help=f"Sizes of the input, sides of at most {MAX_SIDE}: 192, or 192x48 as height x width.  "
        "[default: each backbone's evaluation size]",
    ),
    click.option(
        "--batch",
        "batches",
        type=Converted("batches", read_batches),
        metavar="N,N",
        default=(),
        help=f"Images per inference, at most {MAX_BATCH}.  "
        "[default: 1, or what an own model is fixed to]",
    ),
    weights_option(WeightsKind.PRETRAINED),
)

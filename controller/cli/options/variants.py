"""The options that say what variants of a backbone are wanted."""

from collections.abc import Callable

import click

from controller.cli.options.failures import Command
from controller.cli.options.values import Converted, read_batches, read_input_sizes, read_precisions
from controller.domain.sweeps import MAX_BATCH
from models.catalog.catalog import MAX_INPUT_SIZE
from models.catalog.variants import Precision, WeightsKind


def weights_option(default: WeightsKind) -> Callable[[Command], Command]:
    """The option --weights, with the command's own default."""
    return click.option(
        "--weights",
        type=click.Choice([WeightsKind.PRETRAINED.value, WeightsKind.SYNTHETIC.value]),
        default=default.value,
        show_default=True,
        help="pretrained: as published, fetched once. synthetic: seeded and calibrated, no "
        "network; the structure's latency, never its accuracy. An own model has its own.",
    )


def variant_options(command: Command) -> Command:
    """The options --precisions, --input-size and --batch, which say what variants are wanted."""
    precisions = click.option(
        "--precisions",
        type=Converted("precisions", read_precisions),
        metavar="NAME,NAME|all",
        default=Precision.FP32.value,
        show_default=True,
        help=f"Of {', '.join(precision.value for precision in Precision)}, "
        "those that a format has for its target.",
    )
    input_sizes = click.option(
        "--input-size",
        "input_sizes",
        type=Converted("sizes", read_input_sizes),
        metavar="PX,PX",
        help=f"Heights and widths of the input, at most {MAX_INPUT_SIZE}.  "
        "[default: each backbone's evaluation size]",
    )
    batches = click.option(
        "--batch",
        "batches",
        type=Converted("batches", read_batches),
        metavar="N,N",
        default="1",
        show_default=True,
        help=f"Images per inference, at most {MAX_BATCH}.",
    )
    return precisions(input_sizes(batches(command)))

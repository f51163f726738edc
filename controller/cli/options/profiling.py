"""The options of `profile` that say what is profiled, and what is shown of it."""

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import click

from controller.cli.options.grouping import option_group
from controller.cli.options.values import Converted, OneOf, read_input_size
from controller.cli.options.variants import weights_option
from controller.domain.profiles import MAX_PROFILE_RUNS
from controller.domain.sweeps import MAX_THREADS
from models.catalog.precisions import Precision
from models.catalog.variants import WeightsKind
from protos.inputs import MAX_BATCH, ImageSize
from protos.runtimes import Runtime

PLAIN_TRACE, PACKED_TRACE = ".json", ".json.gz"


class ShownBy(Enum):
    """What a profile's times are shown of."""

    OPERATOR = "operator"
    LAYER = "layer"


@dataclass(frozen=True, kw_only=True)
class ProfiledInferences:
    """What is profiled, and where; the fields are those of `ProfileSpec`."""

    device: str | None
    runtime: Runtime
    threads: int
    precision: Precision | None
    input_size: ImageSize | None
    batch: int | None
    weights: WeightsKind
    run_count: int


@dataclass(frozen=True, kw_only=True)
class ShownProfile:
    """Which profile is shown, a new one without an id, and how."""

    profile_id: str | None
    by: ShownBy
    trace_path: Path | None


profiled_options = option_group(
    "What is profiled",
    "profiled",
    ProfiledInferences,
    click.option("--device", metavar="NAME", help="Where to profile."),
    click.option(
        "--runtime",
        type=OneOf(Runtime),
        default=Runtime.ONNXRUNTIME.value,
        show_default=True,
    ),
    click.option("--threads", type=click.IntRange(1, MAX_THREADS), default=1, show_default=True),
    click.option(
        "--precision",
        type=OneOf(Precision),
        help="[default: fp32; int8 of a model that came quantised]",
    ),
    click.option(
        "--input-size",
        type=Converted("size", read_input_size),
        metavar="PX",
        help="Size of the input: 192, or 192x48 as height x width.  "
        "[default: the backbone's evaluation size]",
    ),
    click.option(
        "--batch",
        type=click.IntRange(1, MAX_BATCH),
        help="Images per inference.  [default: 1, or what an own model is fixed to]",
    ),
    weights_option(WeightsKind.PRETRAINED),
    click.option(
        "--runs",
        "run_count",
        type=click.IntRange(1, MAX_PROFILE_RUNS),
        default=20,
        show_default=True,
        help="Inferences to profile, after a warm-up.",
    ),
)
shown_options = option_group(
    "What is shown",
    "shown",
    ShownProfile,
    click.option("--stored", "profile_id", metavar="ID", help="Show an earlier profile."),
    click.option(
        "--by",
        type=OneOf(ShownBy),
        default=ShownBy.OPERATOR.value,
        show_default=True,
        help="operator: their sums and the slowest layers. layer: every layer.",
    ),
    click.option(
        "--trace",
        "trace_path",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help=f"Write the trace there, {PLAIN_TRACE} or {PACKED_TRACE}; with --stored also later.",
    ),
)

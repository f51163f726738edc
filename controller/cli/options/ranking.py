"""The options that say what is ranked, and what a winner has to satisfy."""

import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

import click

from controller.cli.options.backbones import tier_option
from controller.cli.options.grouping import option_group
from controller.cli.options.values import (
    Converted,
    read_devices,
    read_list,
    read_merit,
    read_only,
    read_percentage,
    read_runtime,
    read_share,
)
from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.measurements import Verdict
from controller.domain.names import find_choice
from controller.domain.quantities import parse_fps, parse_latency_ms, parse_memory_bytes
from controller.domain.rankings import WITH_FIGURES, Constraints, Merit
from controller.domain.rankings.limits import FIGURES, Bound, Criterion, Limit, check_front
from controller.domain.sweeps import MAX_MINUTES, MAX_THREADS
from models.catalog.catalog import IMAGENET
from models.catalog.precisions import Precision
from models.catalog.tiers import Tier
from protos.runtimes import Runtime


@dataclass(frozen=True, kw_only=True)
class RankedFigures:
    """Which figures are ranked, and whose accuracy stands beside them."""

    only: tuple[Verdict, ...]
    at_minute: int | None
    paced_fps: float | None
    accuracy_dataset: str
    include_emulated: bool


accuracy_option = click.option(
    "--accuracy",
    "accuracy_dataset",
    metavar="DATASET",
    default=IMAGENET,
    show_default=True,
    help="Whose accuracy counts (see 'edgerank accuracy list').",
)
at_minute_option = click.option(
    "--at-minute",
    type=click.IntRange(1, MAX_MINUTES),
    metavar="N",
    help="Only what was swept with --sustained, by its figures of this minute.",
)
include_emulated_option = click.option(
    "--include-emulated",
    is_flag=True,
    help="Let figures of emulated devices count, which are those of another CPU.",
)
ranked_options = option_group(
    "What is ranked",
    "ranked",
    RankedFigures,
    click.option(
        "--only",
        type=Converted("verdicts", read_only),
        metavar="VERDICT,VERDICT",
        default=(),
        help=f"Count only figures of these verdicts: "
        f"{', '.join(verdict.value for verdict in WITH_FIGURES)}. By default disturbed and "
        "throttled ones count where there is nothing better of the same setting.",
    ),
    at_minute_option,
    click.option(
        "--paced",
        "paced_fps",
        type=Converted("frame rate", parse_fps),
        metavar="RATE",
        help="Only what was swept with --paced at this rate, as 30fps, by its figures there.",
    ),
    accuracy_option,
    include_emulated_option,
)


def of_figures(constraints: Constraints, ranked: RankedFigures) -> Constraints:
    """The constraints, held against these figures."""
    return replace(
        constraints,
        only=ranked.only,
        at_minute=ranked.at_minute,
        paced_fps=ranked.paced_fps,
        include_emulated=ranked.include_emulated,
    )


@dataclass(frozen=True, kw_only=True)
class Where:
    """For which devices the best is asked: one, each of several, or several together."""

    device: str | None
    is_each: bool
    is_fleet: bool
    devices: tuple[str, ...]
    shares: Mapping[str, float]


def _where(
    *,
    device: str | None,
    is_each: bool,
    is_fleet: bool,
    devices: tuple[str, ...],
    shares: tuple[tuple[str, float], ...],
) -> Where:
    if sum((device is not None, is_each, is_fleet)) != 1:
        raise click.UsageError("say one of --device NAME, --each-device and --fleet")
    if device is not None and devices:
        raise click.UsageError("--devices goes with --each-device or --fleet, not with --device")
    if shares and not is_fleet:
        raise click.UsageError("--share goes with --fleet, where devices are weighed")
    return Where(
        device=device, is_each=is_each, is_fleet=is_fleet, devices=devices, shares=dict(shares)
    )


where_options = option_group(
    "Where",
    "where",
    _where,
    click.option("--device", help="On this device (see 'edgerank devices')."),
    click.option("--each-device", "is_each", is_flag=True, help="On each device by itself."),
    click.option("--fleet", "is_fleet", is_flag=True, help="One backbone for all devices."),
    click.option(
        "--devices",
        type=Converted("devices", read_devices),
        default=(),
        metavar="NAME,LABEL=VALUE",
        help="With --each-device and --fleet: only these.  [default: every device of the fleet]",
    ),
    click.option(
        "--share",
        "shares",
        type=Converted("share", read_share),
        multiple=True,
        metavar="DEVICE=NUMBER",
        help="With --fleet: how much a device counts on average, as phone=3.  [default: 1 each]",
    ),
)


def _constraints(
    *,
    max_latency_ms: float | None,
    max_p90: Limit | None,
    max_p99: Limit | None,
    max_memory_bytes: int | None,
    max_artifact: Limit | None,
    max_params: Limit | None,
    min_top1: float | None,
    tier: Tier | None,
    series: tuple[str, ...],
    distilled: bool | None,
    extra_data: bool | None,
    runtime: Runtime | None,
    precision: Precision | None,
    threads: int | None,
    by: Merit | None,
) -> Constraints:
    return Constraints(
        max_latency_ms=max_latency_ms,
        max_memory_bytes=max_memory_bytes,
        min_top1=min_top1,
        limits=tuple(filter(None, (max_p90, max_p99, max_artifact, max_params))),
        tier=tier,
        series=series,
        distilled=distilled,
        extra_data=extra_data,
        runtime=runtime,
        precision=precision,
        threads=threads,
        by=by,
    )


def _at_most(kind: str, criterion: Criterion, read: Callable[[str], float]) -> Converted:
    """A limit on a figure, as an option's type."""
    return Converted(
        kind, lambda text: Limit(criterion=criterion, bound=Bound.AT_MOST, value=read(text))
    )


def read_millions(text: str) -> float:
    """A count such as 5M, in millions.

    Raises:
        EdgerankError: INVALID_INPUT.
    """
    with suppress(ValueError):
        if text.endswith("M") and 0 < (millions := float(text[:-1])) < math.inf:
            return millions
    raise EdgerankError(
        ErrorCode.INVALID_INPUT, f"{text!r} is no count of parameters; write millions, as 5.5M"
    )


def read_confidence(text: str) -> float:
    """A confidence such as 95 or 95%, as a fraction.

    Raises:
        EdgerankError: INVALID_INPUT.
    """
    return read_percentage(text if text.endswith("%") else f"{text}%")


def read_axes(text: str) -> tuple[Criterion, ...]:
    """The figures of a Pareto front, as latency,top1,memory.

    Raises:
        EdgerankError: UNKNOWN_NAME, or INVALID_INPUT for too few, too many, or what is no figure.
    """
    axes = tuple(find_choice(FIGURES, "figure", part) for part in read_list(text))
    check_front(axes)
    return axes


constraint_options = option_group(
    "Constraints",
    "constraints",
    _constraints,
    click.option(
        "--max-latency",
        "max_latency_ms",
        type=Converted("latency", parse_latency_ms),
        metavar="TIME",
        help="Median latency at most, as 20ms, 0.02s or 950us; all of its interval.",
    ),
    click.option(
        "--max-p90",
        type=_at_most("latency", Criterion.P90, parse_latency_ms),
        metavar="TIME",
        help="90th percentile of latency at most.",
    ),
    click.option(
        "--max-p99",
        type=_at_most("latency", Criterion.P99, parse_latency_ms),
        metavar="TIME",
        help="99th percentile of latency at most.",
    ),
    click.option(
        "--max-memory",
        "max_memory_bytes",
        type=Converted("memory", parse_memory_bytes),
        metavar="SIZE",
        help="Peak resident memory above the bare runtime's, as 80MB or 80MiB.",
    ),
    click.option(
        "--max-artifact",
        type=_at_most("size", Criterion.ARTIFACT_SIZE, parse_memory_bytes),
        metavar="SIZE",
        help="Size of the file that is run at most, as 10MB.",
    ),
    click.option(
        "--max-params",
        type=_at_most("parameters", Criterion.PARAMS, read_millions),
        metavar="COUNT",
        help="Published parameters at most, as 5.5M.",
    ),
    click.option(
        "--min-top1",
        type=click.FloatRange(0, 100),
        metavar="PERCENT",
        help="Top-1 at least.",
    ),
    tier_option,
    click.option(
        "--series",
        type=Converted("series", lambda text: tuple(read_list(text))),
        default=(),
        metavar="NAME,NAME",
        help="Only backbones of these series, as MobileNetV3.",
    ),
    click.option(
        "--distilled/--not-distilled",
        default=None,
        help="Only weights that do, or do not, come from distillation.",
    ),
    click.option(
        "--extra-data/--no-extra-data",
        default=None,
        help="Only weights that did, or did not, see more than ImageNet-1k.",
    ),
    click.option("--runtime", type=Converted("runtime", read_runtime), metavar="RUNTIME"),
    click.option(
        "--precision",
        type=Converted("precision", lambda text: find_choice(Precision, "precision", text)),
        metavar="PRECISION",
        help="Only this precision, as int8-static.",
    ),
    click.option("--threads", type=click.IntRange(1, MAX_THREADS)),
    click.option(
        "--by",
        type=Converted("merit", read_merit),
        metavar="MERIT",
        help=f"Choose the winner by {', '.join(merit.value for merit in Merit)}, not by what the "
        "limits suggest. By latency and memory, what has no known accuracy is ranked, too.",
    ),
)


@dataclass(frozen=True, kw_only=True)
class AnswerShape:
    """How sure an answer has to be, and what its Pareto front is of."""

    confidence: float | None
    front: tuple[Criterion, ...]


answer_options = option_group(
    "The answer",
    "shape",
    AnswerShape,
    click.option(
        "--confidence",
        type=Converted("confidence", read_confidence),
        metavar="PERCENT",
        help="Name the winner only if it is surely the first at this confidence, else all that may "
        "be, as 95. Without limits it is the fastest that is asked for.",
    ),
    click.option(
        "--front",
        type=Converted("figures", read_axes),
        default=(),
        metavar="FIGURE,FIGURE",
        help=f"The Pareto front of two or three of {', '.join(each.value for each in FIGURES)}.  "
        "[default: latency,top1]",
    ),
)

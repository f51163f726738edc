"""The options that say what is ranked, and what a winner has to satisfy."""

from collections.abc import Mapping
from dataclasses import dataclass

import click

from controller.cli.options.backbones import tier_option
from controller.cli.options.grouping import option_group
from controller.cli.options.values import (
    Converted,
    read_devices,
    read_merit,
    read_only,
    read_runtime,
    read_share,
)
from controller.domain.measurements import Verdict
from controller.domain.quantities import parse_fps, parse_latency_ms, parse_memory_bytes
from controller.domain.rankings import WITH_FIGURES, Constraints, Merit
from controller.domain.sweeps import MAX_MINUTES
from models.catalog.catalog import IMAGENET
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
    max_memory_bytes: int | None,
    min_top1: float | None,
    tier: Tier | None,
    runtime: Runtime | None,
    threads: int | None,
    by: Merit | None,
) -> Constraints:
    return Constraints(
        max_latency_ms=max_latency_ms,
        max_memory_bytes=max_memory_bytes,
        min_top1=min_top1,
        tier=tier,
        runtime=runtime,
        threads=threads,
        by=by,
    )


constraint_options = option_group(
    "Constraints",
    "constraints",
    _constraints,
    click.option(
        "--max-latency",
        "max_latency_ms",
        type=Converted("latency", parse_latency_ms),
        metavar="TIME",
        help="As 20ms, 0.02s or 950us.",
    ),
    click.option(
        "--max-memory",
        "max_memory_bytes",
        type=Converted("memory", parse_memory_bytes),
        metavar="SIZE",
        help="Peak resident memory above the bare runtime's, as 80MB or 80MiB.",
    ),
    click.option(
        "--min-top1",
        type=click.FloatRange(0, 100),
        metavar="PERCENT",
        help="Top-1 at least.",
    ),
    tier_option,
    click.option("--runtime", type=Converted("runtime", read_runtime), metavar="RUNTIME"),
    click.option("--threads", type=click.IntRange(1)),
    click.option(
        "--by",
        type=Converted("merit", read_merit),
        metavar="MERIT",
        help=f"Choose the winner by {', '.join(merit.value for merit in Merit)}, not by what the "
        "limits suggest. By latency and memory, what has no known accuracy is ranked, too.",
    ),
)

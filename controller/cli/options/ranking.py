"""The options that say what is ranked, and what a winner has to satisfy."""

from dataclasses import dataclass

import click

from controller.cli.options.backbones import tier_option
from controller.cli.options.grouping import option_group
from controller.cli.options.values import Converted, read_merit, read_only, read_runtime
from controller.domain.measurements import Verdict
from controller.domain.quantities import parse_fps, parse_latency_ms, parse_memory_bytes
from controller.domain.rankings import WITH_FIGURES, Constraints, Merit
from controller.domain.sweeps import MAX_MINUTES
from models.catalog.catalog import IMAGENET
from models.catalog.tiers import Tier
from protos.runtimes import Runtime


@dataclass(frozen=True, kw_only=True)
class RankedFigures:
    """Whose figures are ranked, which of them count, and whose accuracy stands beside them."""

    device: str
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
    click.option("--device", required=True, help="The device's name (see 'edgerank devices')."),
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

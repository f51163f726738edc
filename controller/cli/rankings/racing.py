"""The options of `find`: who races where, and what is decided."""

from dataclasses import dataclass

import click

from controller.cli.options.backbones import complete_backbones, read_backbones, tier_option
from controller.cli.options.grouping import option_group
from controller.cli.options.runtime import runtimes_option, threads_option
from controller.cli.options.values import Converted, read_percentage
from controller.cli.options.variants import precisions_option, weights_option
from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.quantities import parse_latency_ms, parse_time_ms
from controller.domain.rankings.predicted import MOST_CONFIDENCE
from controller.domain.sweeps import (
    DEFAULT_MOST_REPETITIONS,
    DEFAULT_RELATIVE_HALF_WIDTH,
    SweepSpec,
)
from controller.domain.sweeps.races import DEFAULT_CONFIDENCE, Race
from models.catalog.catalog import Catalog
from models.catalog.precisions import MADE_PRECISIONS, Precision
from models.catalog.tiers import Tier, select_tier
from models.catalog.variants import WeightsKind
from protos.measuring import StartGate
from protos.runtimes import Runtime

# One short process tells within a few percent, which is all that most candidates need.
SHORT_PROCESS_MS = 1_000


@dataclass(frozen=True, kw_only=True)
class Racing:
    """Who races where."""

    device: str
    names: str | None
    tier: Tier | None
    runtimes: tuple[Runtime, ...]
    threads: tuple[int, ...]
    weights: WeightsKind
    precisions: tuple[Precision, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is decided, how surely and in which time."""

    max_latency_ms: float | None
    time_ms: int | None
    confidence: float


racing_options = option_group(
    "Who races",
    "racing",
    Racing,
    click.option("--device", required=True, help="On this device (see 'edgerank devices')."),
    click.option(
        "--models",
        "names",
        metavar="NAME,NAME*|series:SERIES|own:NAME*",
        shell_complete=complete_backbones,
        help="Backbones, as of 'edgerank sweep'.  [default: all whose accuracy is known as they "
        "come; where --precisions leave that out, in one of these]",
    ),
    tier_option,
    runtimes_option("Each is a candidate of its own."),
    threads_option("Thread counts, each a candidate of its own."),
    precisions_option(
        "Each is a candidate of its own by the top-1 that is known in it, see 'edgerank accuracy "
        "import'; what none is known of does not race."
    ),
    weights_option(WeightsKind.PRETRAINED),
)
wanted_options = option_group(
    "What is decided",
    "wanted",
    Wanted,
    click.option(
        "--max-latency",
        "max_latency_ms",
        type=Converted("latency", parse_latency_ms),
        metavar="TIME",
        help="The most accurate within it, as 20ms.  [default: the whole front]",
    ),
    click.option(
        "--time",
        "time_ms",
        type=Converted("time", parse_time_ms),
        metavar="TIME",
        help="End after so much measuring with what is decided by then, as 30m.",
    ),
    click.option(
        "--confidence",
        type=Converted("percentage", read_percentage),
        metavar="P%",
        default=f"{DEFAULT_CONFIDENCE:.0%}",
        show_default=True,
        help="That no candidate leaves the race wrongly.",
    ),
)


def interval_confidence(wanted: Wanted) -> float:
    """What share of the intervals hold: that of the race, as far as a prediction can tell it."""
    return min(wanted.confidence, MOST_CONFIDENCE)


def predicted_precisions(racing: Racing) -> tuple[Precision, ...]:
    """Those of a race in which anything can be predicted."""
    return tuple(each for each in racing.precisions or (Precision.FP32,) if each in MADE_PRECISIONS)


def candidates(racing: Racing, catalog: Catalog) -> tuple[str, ...]:
    """The backbones that race: those that are named, of the tier where one is.

    Where none is named they are those whose accuracy is known. Of those that do not race as they
    come the controller knows in which precisions it is, and names whom it leaves out.

    Raises:
        EdgerankError: INVALID_INPUT where these are none.
    """
    named = catalog if racing.names is None else read_backbones(racing.names, catalog)
    members = None if racing.tier is None else {b.name for b in select_tier(catalog, racing.tier)}
    # What came quantised is made in no other precision.
    untold = set(MADE_PRECISIONS) - set(racing.precisions)
    chosen = tuple(
        each.name
        for each in named
        if (members is None or each.name in members)
        and (
            racing.names is not None
            or each.top1 is not None
            or (racing.precisions and each.precision in untold)
        )
    )
    if not chosen:
        raise EdgerankError(
            ErrorCode.INVALID_INPUT,
            "none of these backbones is of that tier; leave one of both out",
        )
    return chosen


def race_spec(
    racing: Racing, wanted: Wanted, gate: StartGate, backbones: tuple[str, ...]
) -> SweepSpec:
    """The sweep of a race: one short process first, and more while they may change the answer."""
    return SweepSpec(
        backbones=backbones,
        devices=(racing.device,),
        runtimes=racing.runtimes,
        threads=racing.threads,
        precisions=racing.precisions,
        weights=racing.weights,
        fewest_repetitions=1,
        most_repetitions=DEFAULT_MOST_REPETITIONS,
        relative_half_width=DEFAULT_RELATIVE_HALF_WIDTH,
        time_budget_ms=SHORT_PROCESS_MS,
        gate=gate,
        sentinel=True,
        time_ms=wanted.time_ms,
        race=Race(max_latency_ms=wanted.max_latency_ms, confidence=wanted.confidence),
    )

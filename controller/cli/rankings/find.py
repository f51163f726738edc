"""`edgerank find`: measures as far as an answer needs."""

from dataclasses import dataclass

import click
from rich.console import Console

from controller.cli.options.asking import controller_option, json_option
from controller.cli.options.backbones import complete_backbones, read_backbones, tier_option
from controller.cli.options.failures import says_failures
from controller.cli.options.grouping import GroupedCommand, option_group
from controller.cli.options.runtime import runtimes_option, threads_option
from controller.cli.options.start_gate import gate_options
from controller.cli.options.values import (
    Converted,
    read_percentage,
)
from controller.cli.options.variants import weights_option
from controller.cli.printing.documents import print_json
from controller.cli.printing.follow import follow_sweep
from controller.cli.printing.rankings.finding import print_found
from controller.cli.printing.telling import looked_at, print_line
from controller.cli.sweeps.starting import started_once
from controller.cli.sweeps.sweep import leave_alone, no_follow_option
from controller.client import QueryClient
from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.measurements import Verdict
from controller.domain.quantities import parse_latency_ms, parse_time_ms
from controller.domain.rankings import Constraints
from controller.domain.rankings.finding import Found, found_by, only_predicted
from controller.domain.rankings.predicted import MOST_CONFIDENCE, PredictQuestion
from controller.domain.sweeps import (
    DEFAULT_MOST_REPETITIONS,
    DEFAULT_RELATIVE_HALF_WIDTH,
    RUNNING_PHASES,
    SweepPhase,
    SweepSnapshot,
    SweepSpec,
)
from controller.domain.sweeps.races import DEFAULT_CONFIDENCE, Race
from controller.views.counting import counted
from controller.views.device_words import surroundings_words
from models.catalog.catalog import Catalog
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
        help="Backbones, as of 'edgerank sweep'.  [default: all with a known accuracy]",
    ),
    tier_option,
    runtimes_option("Each is a candidate of its own."),
    threads_option("Thread counts, each a candidate of its own."),
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


@click.command(cls=GroupedCommand)
@racing_options
@wanted_options
@gate_options
@no_follow_option
@controller_option
@json_option
@says_failures
def find(
    *,
    racing: Racing,
    wanted: Wanted,
    gate: StartGate,
    no_follow: bool,
    address: str,
    as_json: bool,
) -> None:
    """Find the best backbone of a device, and measure no more than that needs.

    First the 12 backbones that tell most of the others are measured, by one short process each.
    Then the race is on: who surely loses by what is predicted of it is not measured at all, who has
    surely lost is measured no more, and processes go to those that may change the answer most,
    until it is decided or the time is over. Where nothing can be predicted each has one process.
    Within 2 % two are alike. The answer is what 'edgerank best' says, with what it rests on, what
    was only predicted, and what more time would decide.

    It is a sweep: 'sweeps' lists it, 'follow', 'pause', 'resume' and 'cancel' take its id. Started
    again on another day, it measures only what is not decided.

    \b
    Examples:
      edgerank find --device board --max-latency 20ms
      edgerank find --device board --max-latency 20ms --tier mobile --time 30m
      edgerank find --device board --models series:MobileNetV3,PPLCNet* --confidence 99%
      edgerank find --device board --runtimes onnxruntime --threads 1,4 --json
    """
    console = Console(stderr=as_json)
    with QueryClient(address) as client:
        spec = _spec(racing, wanted, gate, _candidates(racing, client.catalog()))
        started = started_once(client, spec, console)
        racers = started.job_count + started.measured_before
        before = f", {started.measured_before} measured before" if started.measured_before else ""
        print_line(
            console, f"sweep {started.sweep_id}: {counted(racers, 'candidate')} race{before}"
        )
        if no_follow:
            leave_alone(client, started.sweep_id, console, as_json)
            return
        sweep = _followed(client, started.sweep_id, racing, console)
        ended = sum(not each.is_sentinel for each in sweep.ended)
        left = started.job_count - ended
        found = _found(client, sweep, spec, wanted, racing, unmeasured_count=left)
        if as_json:
            print_json(found)
        else:
            profile = client.measured_device(racing.device).profile
            confidence = interval_confidence(wanted)
            print_found(Console(), found, surroundings_words(profile), confidence)
    _raise_if_not_found(found, sweep, racing)


def _followed(
    client: QueryClient, sweep_id: str, racing: Racing, console: Console
) -> SweepSnapshot:
    sweep = follow_sweep(looked_at(client.watch_sweep(sweep_id)), console)
    if sweep.phase in RUNNING_PHASES:
        raise EdgerankError(
            ErrorCode.EXECUTION,
            f"the race {sweep_id} is not decided: it waits for {racing.device}; "
            f"'edgerank follow {sweep_id}' shows it, 'edgerank cancel {sweep_id}' ends it with "
            "what it measured",
        )
    return sweep


def _raise_if_not_found(found: Found, sweep: SweepSnapshot, racing: Racing) -> None:
    if sweep.phase is SweepPhase.CANCELLED:
        raise EdgerankError(
            ErrorCode.EXECUTION,
            f"the race {sweep.sweep_id} was cancelled before it was decided; the same command "
            "goes on with what it measured",
        )
    if found.ranking.winner is None:
        raise EdgerankError(
            ErrorCode.NOTHING_FOUND,
            f"no candidate on {racing.device!r} keeps the limit; a higher --max-latency may",
        )


def _found(
    client: QueryClient,
    sweep: SweepSnapshot,
    spec: SweepSpec,
    wanted: Wanted,
    racing: Racing,
    *,
    unmeasured_count: int,
) -> Found:
    """The answer, with what is predicted of the candidates that were not measured."""
    constraints = Constraints(max_latency_ms=wanted.max_latency_ms, tier=racing.tier)
    ranking = client.rank(racing.device, constraints)
    if not unmeasured_count:
        return found_by(sweep, ranking)
    failed = {each.backbone for each in sweep.ended if each.verdict is Verdict.FAILED}
    question = PredictQuestion(
        device=racing.device,
        backbones=tuple(name for name in spec.backbones if name not in failed),
        confidence=interval_confidence(wanted),
    )
    settings = [
        each
        for each in client.predict(question).settings
        if each.threads in racing.threads
        and (not racing.runtimes or each.runtime in racing.runtimes)
    ]
    catalog = client.catalog()
    top1s = {
        name: top1 for name in question.backbones if (top1 := catalog.get(name).top1) is not None
    }
    predicted = only_predicted(settings, ranking, top1s)
    return found_by(sweep, ranking, unmeasured_count, predicted)


def interval_confidence(wanted: Wanted) -> float:
    """What share of the intervals hold: that of the race, as far as a prediction can tell it."""
    return min(wanted.confidence, MOST_CONFIDENCE)


def _candidates(racing: Racing, catalog: Catalog) -> tuple[str, ...]:
    """The backbones that race: those that are named, of the tier where one is."""
    named = catalog if racing.names is None else read_backbones(racing.names, catalog)
    members = None if racing.tier is None else {b.name for b in select_tier(catalog, racing.tier)}
    chosen = tuple(
        each.name
        for each in named
        if (members is None or each.name in members)
        and (racing.names is not None or each.top1 is not None)
    )
    if not chosen:
        raise EdgerankError(
            ErrorCode.INVALID_INPUT,
            "none of these backbones is of that tier; leave one of both out",
        )
    return chosen


def _spec(racing: Racing, wanted: Wanted, gate: StartGate, backbones: tuple[str, ...]) -> SweepSpec:
    return SweepSpec(
        backbones=backbones,
        devices=(racing.device,),
        runtimes=racing.runtimes,
        threads=racing.threads,
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

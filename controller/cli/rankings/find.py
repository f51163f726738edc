"""`edgerank find`: measures as far as an answer needs."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import click
from rich.console import Console

from controller.cli.options.asking import controller_option, json_option
from controller.cli.options.failures import says_failures
from controller.cli.options.grouping import GroupedCommand
from controller.cli.options.start_gate import gate_options
from controller.cli.printing.documents import print_json
from controller.cli.printing.follow import follow_sweep
from controller.cli.printing.rankings.finding import none_words, print_found
from controller.cli.printing.telling import looked_at, print_line
from controller.cli.rankings.racing import (
    Racing,
    Wanted,
    candidates,
    interval_confidence,
    predicted_precisions,
    race_spec,
    racing_options,
    wanted_options,
)
from controller.cli.sweeps.starting import started_once
from controller.cli.sweeps.sweep import leave_alone, no_follow_option
from controller.client import QueryClient
from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.jobs import JobOutcome
from controller.domain.measurements import MeasurementFilter
from controller.domain.measurements.outcomes import outcome_of
from controller.domain.rankings import Constraints
from controller.domain.rankings.finding import Found, count_earlier, found_by, only_predicted
from controller.domain.rankings.predicted import PredictQuestion
from controller.domain.sweeps import RUNNING_PHASES, SweepPhase, SweepSnapshot, SweepSpec
from controller.views.counting import counted
from controller.views.device_words import surroundings_words
from protos.measuring import StartGate


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

    With --precisions backbones race in each of them, by the top-1 that is known there; those of
    which none is known do not, and are named.

    It is a sweep: 'sweeps' lists it, 'follow', 'pause', 'resume' and 'cancel' take its id. Started
    again on another day, it measures only what is not decided.

    \b
    Examples:
      edgerank find --device board --max-latency 20ms
      edgerank find --device board --max-latency 20ms --tier mobile --time 30m
      edgerank find --device board --models series:MobileNetV3,PPLCNet* --confidence 99%
      edgerank find --device board --runtimes onnxruntime --threads 1,4 --json
      edgerank find --device board --runtimes onnxruntime --precisions fp32,int8-dynamic
    """
    console = Console(stderr=as_json)
    with QueryClient(address) as client:
        spec = race_spec(racing, wanted, gate, candidates(racing, client.catalog()))
        started = started_once(client, spec, console)
        racers = started.job_count + started.measured_before
        told = f", {started.measured_before} measured before" if started.measured_before else ""
        with _going_on_told(started.sweep_id, console):
            print_line(
                console, f"sweep {started.sweep_id}: {counted(racers, 'candidate')} race{told}"
            )
            if no_follow:
                leave_alone(client, started.sweep_id, console, as_json)
                return
            sweep = _followed(client, started.sweep_id, racing, console)
        ended = sum(not each.is_sentinel for each in sweep.ended)
        left = started.job_count - ended
        before = _before(client, sweep) if started.measured_before else ()
        found = _found(
            client, spec, wanted, racing, sweep=sweep, before=before, unmeasured_count=left
        )
        if as_json:
            print_json(found)
        else:
            profile = client.measured_device(racing.device).profile
            confidence = interval_confidence(wanted)
            print_found(Console(), found, surroundings_words(profile), confidence)
    _raise_if_not_found(found, sweep)


@contextmanager
def _going_on_told(sweep_id: str, console: Console) -> Iterator[None]:
    """Tells who stops the command that the race goes on: from the first that is said of it."""
    try:
        yield
    except KeyboardInterrupt:
        print_line(
            console,
            f"the race goes on: 'edgerank follow {sweep_id}' shows it, "
            f"'edgerank cancel {sweep_id}' ends it; once it has ended, the same command gives its "
            "answer",
        )
        raise


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


def _raise_if_not_found(found: Found, sweep: SweepSnapshot) -> None:
    if sweep.phase is SweepPhase.CANCELLED:
        raise EdgerankError(
            ErrorCode.EXECUTION,
            f"the race {sweep.sweep_id} was cancelled before it was decided; the same command "
            "goes on with what it measured",
        )
    if found.ranking.winner is None:
        raise EdgerankError(ErrorCode.NOTHING_FOUND, none_words(found))


def _before(client: QueryClient, sweep: SweepSnapshot) -> list[JobOutcome]:
    """The candidates that have figures of an earlier sweep."""
    ended = {each.job_id for each in sweep.ended}
    figures = client.list_measurements(MeasurementFilter(sweep_id=sweep.sweep_id))
    return [outcome_of(each) for each in figures if each.job_id not in ended]


def _found(
    client: QueryClient,
    spec: SweepSpec,
    wanted: Wanted,
    racing: Racing,
    *,
    sweep: SweepSnapshot,
    before: Sequence[JobOutcome],
    unmeasured_count: int,
) -> Found:
    """The answer, with what is predicted of the candidates that were not measured."""
    constraints = Constraints(
        max_latency_ms=wanted.max_latency_ms,
        tier=racing.tier,
        # Of what was measured before only what could have raced may be the answer, as far as that
        # can be asked for.
        runtime=racing.runtimes[0] if len(racing.runtimes) == 1 else None,
        threads=racing.threads[0] if len(racing.threads) == 1 else None,
        precision=racing.precisions[0] if len(racing.precisions) == 1 else None,
    )
    ranking = client.rank(racing.device, constraints)
    if not unmeasured_count:
        return found_by(sweep, ranking, before=before)
    settings = [
        each
        for precision in predicted_precisions(racing)
        for each in client.predict(
            PredictQuestion(
                device=racing.device,
                backbones=spec.backbones,
                confidence=interval_confidence(wanted),
                precision=precision,
                judged_by=sweep.sweep_id,
            )
        ).settings
        if each.threads in racing.threads
        and (not racing.runtimes or each.runtime in racing.runtimes)
    ]
    predicted = only_predicted(settings, ranking, sweep.ended)
    earlier = count_earlier(settings, spec.backbones, (*before, *sweep.ended), sweep.left_out)
    return found_by(
        sweep,
        ranking,
        unmeasured_count,
        predicted,
        before,
        earlier_count=earlier,
        settings=settings,
    )

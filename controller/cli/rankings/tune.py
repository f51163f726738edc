"""`edgerank tune`: the best setting of one backbone on a device."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import click
from rich.console import Console

from controller.cli.options.asking import controller_option, json_option
from controller.cli.options.failures import says_failures
from controller.cli.options.grouping import GroupedCommand
from controller.cli.options.start_gate import gate_options
from controller.cli.printing.documents import print_json
from controller.cli.printing.follow import follow_sweep
from controller.cli.printing.rankings.tuning import print_tuning, round_words
from controller.cli.printing.telling import looked_at, print_line
from controller.cli.rankings.tuned import Tuned, tuning_options
from controller.cli.sweeps.starting import started_once
from controller.client import QueryClient
from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.measurements import Measurement, MeasurementFilter
from controller.domain.names import find_device
from controller.domain.rankings.tuning import (
    ROUNDS,
    Fate,
    Setting,
    Trial,
    Tuning,
    concluded,
    is_without_weights,
    judged,
    measured,
    settings_of,
    sweeps_of,
)
from controller.domain.sweeps import SweepSpec
from controller.views.sweeps.words import before_words
from protos.measuring import StartGate


@click.command(cls=GroupedCommand)
@click.argument("name", metavar="NAME")
@click.option("--device", required=True, help="The device's name (see 'edgerank devices').")
@tuning_options
@gate_options
@controller_option
@json_option
@says_failures
def tune(
    *, name: str, device: str, tuned: Tuned, gate: StartGate, address: str, as_json: bool
) -> None:
    """Search the fastest setting of one backbone on a device.

    Tries threads, cores, precisions, runtimes and their options. All are measured coarsely; what
    has surely lost is stopped, the others are measured on with more processes, in up to three
    rounds. It says the fastest within the limits, what ties with it, and all that was tried.

    What is measured are ordinary sweeps. Cut off, the same command goes on where it was: what was
    measured is not measured again.

    Exit code 3 when no setting has a figure within the limits.

    \b
    Examples:
      edgerank tune MobileNetV3_large_x1_0 --device phone
      edgerank tune PPLCNet_x1_0 --device board --max-memory 60MB --threads 1,2
      edgerank tune MobileNetV1 --device pc --precisions fp32,int8-dynamic --min-top1 70
    """
    console = Console(stderr=as_json)
    with QueryClient(address) as client:
        profile = find_device(client.list_devices(), device).profile
        settings = settings_of(profile, tuned.runtimes, tuned.precisions, tuned.threads)
        if not settings:
            raise EdgerankError(
                ErrorCode.INVALID_INPUT,
                f"{device!r} has none of these settings; 'edgerank devices show {device}' tells "
                "its cores and runtimes",
            )
        asked = tuned.sweep(name, device, gate)
        tuning = _race(client, asked, settings, tuned, console)
    if as_json:
        print_json(tuning)
    else:
        print_tuning(Console(), tuning)
    if tuning.best is None:
        raise EdgerankError(
            ErrorCode.NOTHING_FOUND,
            f"no setting of {name!r} on {device!r} has a figure within the limits",
        )


def _race(
    client: QueryClient,
    asked: SweepSpec,
    settings: Sequence[Setting],
    tuned: Tuned,
    console: Console,
) -> Tuning:
    """Measure in rounds until one setting is left, or the rounds are over."""
    trials = tuple(Trial(setting=setting) for setting in settings)
    sweep_ids: list[str] = []
    number = 0
    for number, protocol in enumerate(ROUNDS[: tuned.rounds], start=1):
        running = [trial.setting for trial in trials if trial.fate is Fate.RUNNING]
        found: dict[Setting, Measurement | None] = {}
        for spec, some in sweeps_of(asked, running, protocol):
            sweep_id, figures = _swept(client, spec, console)
            sweep_ids.append(sweep_id)
            by_threads = {figure.threads: figure for figure in figures}
            found.update((setting, by_threads.get(setting.threads)) for setting in some)
        trials = judged(measured(trials, found.items(), number), tuned.limits)
        print_line(console, round_words(number, trials))
        if sum(trial.fate is Fate.RUNNING for trial in trials) < 2:
            break
    return Tuning(
        device=asked.devices[0],
        backbone=asked.backbones[0],
        limits=tuned.limits,
        trials=concluded(trials),
        rounds=number,
        sweep_ids=tuple(sweep_ids),
    )


def _swept(
    client: QueryClient, spec: SweepSpec, console: Console
) -> tuple[str, tuple[Measurement, ...]]:
    """Measure a few settings as a sweep; give its id and the figures, those of before included."""
    started = started_once(client, spec, console)
    if started.measured_before:
        total = started.measured_before + started.job_count
        print_line(console, before_words(started.measured_before, total))
    try:
        last = follow_sweep(looked_at(client.watch_sweep(started.sweep_id)), console)
    except KeyboardInterrupt:
        print_line(
            console,
            f"sweep {started.sweep_id} goes on: 'edgerank cancel {started.sweep_id}' ends it; the "
            "same command goes on where this one was",
        )
        raise
    if is_without_weights(last.ended):
        raise EdgerankError(
            ErrorCode.NOTHING_FOUND,
            f"no setting of {spec.backbones[0]!r} can be measured without its weights, which are "
            "not available; '--weights synthetic' needs none",
        )
    return started.sweep_id, tuple(_figures(client, spec, started.sweep_id))


def _figures(client: QueryClient, spec: SweepSpec, sweep_id: str) -> Iterator[Measurement]:
    wanted = MeasurementFilter(sweep_id=sweep_id, backbone=spec.backbones[0])
    for figure in client.list_measurements(wanted):
        yield replace(figure, repetitions=())

"""`edgerank sweep`, `follow` and `cancel`: plan, run, follow, stop."""

from contextlib import closing

import click
from rich.console import Console

from controller.cli.options.asking import controller_option, json_option
from controller.cli.options.failures import says_failures
from controller.cli.options.grouping import GroupedCommand
from controller.cli.printing.documents import print_json
from controller.cli.printing.follow import follow_sweep
from controller.cli.printing.telling import looked_at, print_line
from controller.cli.sweeps.asking import AskedSweep, asked_options, say_overridden
from controller.cli.sweeps.starting import started_once
from controller.client import QueryClient
from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.measurements import Verdict
from controller.domain.sweeps import StartedSweep, SweepPhase, SweepSnapshot
from controller.views.counting import counted
from controller.views.sweeps.words import before_words

no_follow_option = click.option(
    "--no-follow",
    is_flag=True,
    help="Start it and go; 'edgerank follow' shows it. --json prints it as it begins.",
)


@click.command(cls=GroupedCommand)
@asked_options
@click.option(
    "--print-file",
    is_flag=True,
    help="Start nothing; print the file that says the same, for 'edgerank sweep FILE.yaml'.",
)
@no_follow_option
@controller_option
@json_option
@says_failures
def sweep(
    *, asked: AskedSweep, print_file: bool, no_follow: bool, address: str, as_json: bool
) -> None:
    """Measure backbones on devices.

    By options, or as FILE.yaml says ('-' is standard input; options beside it come first).
    Follows until every job has ended; Ctrl-C stops following, not the sweep. It is started once,
    though the connection breaks meanwhile: the command asks again. Exit code 4 when a job failed.
    Each repetition waits, for a while, until the device is cool and little else runs there; the
    sweep says what it waits for, and figures say what was in the way all the same.

    \b
    Examples:
      edgerank sweep --models MobileNetV1,PPLCNet_x1_0 --devices all
      edgerank sweep nightly.yaml --devices soc=rk3588 --fresh
      edgerank sweep nightly.yaml --no-follow
      edgerank sweep --models series:MobileNetV3,PPLCNet* --print-file
      edgerank sweep --models tier:mobile --devices phone,board --threads 1,2,4
      edgerank sweep --models GhostNet_x1_3 --runtimes onnxruntime --precision 0.5%
      edgerank sweep --models tier:mobile --devices phone --time 20m
      edgerank sweep --models tier:mobile --devices phone --sustained 10m
      edgerank sweep --models tier:mobile --devices phone --paced 30fps
      edgerank sweep --models MobileNetV1 --precisions fp32,int8-dynamic --batch 1,4
      edgerank sweep --models tier:mobile --max-temperature 45C --start-deadline 300s
      edgerank sweep --models PPLCNet_x1_0 --max-load none --name nightly
      edgerank sweep --models MobileNetV1 --devices phone --cores big --threads 4 --no-spinning
    """
    if print_file:
        _print_file(asked)
        return
    console = Console(stderr=as_json)
    say_overridden(console, asked)
    with QueryClient(address) as client:
        started = started_once(client, asked.spec(client.catalog()), console)
        _print_started(console, started)
        show = leave_alone if no_follow else follow_to_end
        show(client, started.sweep_id, console, as_json)


def _print_file(asked: AskedSweep) -> None:
    # A sweep that starts waits for no library that writes files.
    from controller.cli.sweeps.files.writing import sweep_file  # noqa: PLC0415

    click.echo(sweep_file(asked.written), nl=False)


def _print_started(console: Console, started: StartedSweep) -> None:
    print_line(console, f"sweep {started.sweep_id}: {counted(started.job_count, 'job')}")
    if started.measured_before:
        total = started.measured_before + started.job_count
        print_line(console, before_words(started.measured_before, total))


@click.command()
@click.argument("sweep_id", metavar="SWEEP")
@controller_option
@json_option
@says_failures
def follow(sweep_id: str, address: str, as_json: bool) -> None:
    """Follow a sweep that was started before.

    SWEEP is its id, a beginning of it that no other has, or its name.

    \b
    Examples:
      edgerank follow 3f2a9c01b7de
      edgerank follow 3f2
      edgerank follow nightly
    """
    with QueryClient(address) as client:
        follow_to_end(client, sweep_id, Console(stderr=as_json), as_json)


@click.command()
@click.argument("sweep_id", metavar="SWEEP")
@controller_option
@says_failures
def cancel(sweep_id: str, address: str) -> None:
    """End a sweep; what was measured is kept.

    SWEEP is its id, a beginning of it that no other has, or its name.

    \b
    Example:
      edgerank cancel 3f2a9c01b7de
    """
    with QueryClient(address) as client:
        phase = client.cancel_sweep(sweep_id)
    had_ended = " already" if phase is SweepPhase.ENDED else ""
    click.echo(f"sweep {sweep_id} is {phase.value}{had_ended}")


def follow_to_end(client: QueryClient, sweep_id: str, console: Console, as_json: bool) -> None:
    """Show a sweep until it has ended, then print it.

    Raises:
        EdgerankError: as `raise_if_jobs_failed`.
    """
    try:
        result = follow_sweep(looked_at(client.watch_sweep(sweep_id)), console)
    except KeyboardInterrupt:
        print_line(
            console,
            f"the sweep goes on: 'edgerank follow {sweep_id}' shows it, "
            f"'edgerank cancel {sweep_id}' ends it",
        )
        raise
    if as_json:
        print_json(result)
    raise_if_jobs_failed(result)


def leave_alone(client: QueryClient, sweep_id: str, console: Console, as_json: bool) -> None:
    """Tell how a sweep that goes on is seen; as JSON, print it as it is now."""
    print_line(
        console, f"'edgerank follow {sweep_id}' shows it, 'edgerank cancel {sweep_id}' ends it"
    )
    if as_json:
        with closing(client.watch_sweep(sweep_id)) as snapshots:
            print_json(next(snapshots))


def raise_if_jobs_failed(result: SweepSnapshot) -> None:
    """Says how many jobs failed.

    Raises:
        EdgerankError: EXECUTION when any did, or the sweep was cancelled, or waits in vain.
    """
    if result.phase is SweepPhase.CANCELLED:
        raise EdgerankError(ErrorCode.EXECUTION, f"sweep {result.sweep_id} was cancelled")
    if result.phase is not SweepPhase.ENDED:
        devices = ", ".join(each.device for each in result.held_up)
        raise EdgerankError(
            ErrorCode.EXECUTION,
            f"sweep {result.sweep_id} waits for {devices}, in quarantine for the reason above: "
            "mend that, then 'edgerank devices wake' lets it go on and "
            f"'edgerank follow {result.sweep_id}' shows it, or 'edgerank cancel "
            f"{result.sweep_id}' ends it",
        )
    failed = sum(outcome.verdict is Verdict.FAILED for outcome in result.ended)
    if failed:
        others = "; the others are measured and kept" if failed < len(result.ended) else ""
        raise EdgerankError(
            ErrorCode.EXECUTION,
            f"{failed} of {counted(len(result.ended), 'job')} failed, each with its reason "
            f"above{others}",
        )

"""`edgerank sweep`, `follow` and `cancel`: plan, run, follow, stop."""

import click
from rich.console import Console

from controller.cli.options.common import (
    Converted,
    complete_backbones,
    controller_option,
    json_option,
    read_backbones,
    read_devices,
    read_minutes,
    read_percentage,
    read_runtimes,
    read_threads,
    says_failures,
    variant_options,
    weights_option,
)
from controller.cli.options.runtime import RuntimeSettings, runtime_options
from controller.cli.options.start_gate import gate_options
from controller.cli.printing.documents import print_json
from controller.cli.printing.follow import follow_sweep
from controller.client import QueryClient
from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.measurements import Verdict
from controller.domain.quantities import parse_latency_ms
from controller.domain.sweeps import SweepPhase, SweepSnapshot, SweepSpec
from models.catalog.variants import Precision, WeightsKind
from protos.measuring import StartGate
from protos.runtimes import Runtime

DEFAULT_REPETITIONS = 5
DEFAULT_PRECISION = "1%"
DEFAULT_TIME_BUDGET = "10s"


@click.command()
@click.option(
    "--models",
    "names",
    metavar="NAME,NAME|tier:TIER",
    required=True,
    shell_complete=complete_backbones,
    help="Backbones, or a whole tier.",
)
@click.option(
    "--devices",
    "devices",
    type=Converted("devices", read_devices),
    metavar="all|NAME,NAME",
    default="all",
    show_default=True,
    help="all: every connected one.",
)
@click.option(
    "--runtimes",
    type=Converted("runtimes", read_runtimes),
    metavar="NAME,NAME",
    default="paddlelite,onnxruntime",
    show_default=True,
)
@click.option(
    "--threads",
    type=Converted("threads", read_threads),
    metavar="N,N",
    default="1",
    show_default=True,
    help="Thread counts, each measured.",
)
@runtime_options
@variant_options
@weights_option(WeightsKind.PRETRAINED)
@click.option(
    "--repetitions",
    type=click.IntRange(1, 20),
    show_default=f"{DEFAULT_REPETITIONS}, with --sustained 1",
    help="Fresh processes for each job.",
)
@click.option(
    "--precision",
    type=Converted("percentage", read_percentage),
    metavar="P%",
    default=DEFAULT_PRECISION,
    show_default=True,
    help="Wanted half-width of the median's 95 % interval.",
)
@click.option(
    "--time-budget",
    "time_budget_ms",
    type=Converted("duration", parse_latency_ms),
    metavar="TIME",
    default=DEFAULT_TIME_BUDGET,
    show_default=True,
    help="The longest that one repetition may sample, as 10s or 500ms.",
)
@click.option(
    "--sentinel/--no-sentinel",
    default=True,
    show_default=True,
    help="Read a small backbone now and then, and repeat what was measured while it drifted.",
)
@click.option(
    "--sustained",
    "sustained_minutes",
    type=Converted("minutes", read_minutes),
    metavar="TIME",
    help="Run without a pause for so many minutes, as 10m, and report each of them.",
)
@gate_options
@controller_option
@json_option
@says_failures
def sweep(
    *,
    names: str,
    devices: tuple[str, ...],
    runtimes: tuple[Runtime, ...],
    threads: tuple[int, ...],
    precisions: tuple[Precision, ...],
    input_sizes: tuple[int, ...] | None,
    batches: tuple[int, ...],
    weights: str,
    repetitions: int | None,
    precision: float,
    time_budget_ms: float,
    sentinel: bool,
    gate: StartGate,
    runtime_settings: RuntimeSettings,
    sustained_minutes: int | None,
    address: str,
    as_json: bool,
) -> None:
    """Measure backbones on devices.

    Follows until every job has ended; Ctrl-C stops following, not the sweep. Exit code 4 when a
    job failed. Each repetition starts when the device is cool and little else runs there; until
    then the sweep says what it waits for.

    \b
    Examples:
      edgerank sweep --models MobileNetV1,PPLCNet_x1_0 --devices all
      edgerank sweep --models tier:mobile --devices phone,board --threads 1,2,4
      edgerank sweep --models GhostNet_x1_3 --runtimes onnxruntime --precision 0.5%
      edgerank sweep --models tier:mobile --devices phone --sustained 10m
      edgerank sweep --models MobileNetV1 --precisions fp32,int8-dynamic --batch 1,4
      edgerank sweep --models tier:mobile --max-temperature 45C --start-deadline 300s
      edgerank sweep --models PPLCNet_x1_0 --max-load none
      edgerank sweep --models MobileNetV1 --devices phone --cores big --threads 4 --no-spinning
    """
    console = Console(stderr=as_json)
    with QueryClient(address) as client:
        backbones = read_backbones(names, client.catalog())
        spec = SweepSpec(
            backbones=tuple(backbone.name for backbone in backbones),
            devices=devices,
            runtimes=runtimes,
            threads=threads,
            weights=WeightsKind(weights),
            repetitions=repetitions or (1 if sustained_minutes else DEFAULT_REPETITIONS),
            relative_half_width=precision,
            time_budget_ms=round(time_budget_ms),
            precisions=precisions,
            input_sizes=input_sizes or (),
            batches=batches,
            sentinel=sentinel,
            gate=gate,
            cores=runtime_settings.cores,
            flush_denormals=runtime_settings.flush_denormals,
            onnxruntime=runtime_settings.onnxruntime,
            sustained_minutes=sustained_minutes or 0,
        )
        sweep_id, job_count, left_out = client.start_sweep(spec)
        console.print(f"sweep {sweep_id}: {job_count} jobs", highlight=False)
        for sentence in left_out:
            console.print(f"left out: {sentence}", highlight=False)
        _follow(client, sweep_id, console, as_json)


@click.command()
@click.argument("sweep_id", metavar="SWEEP")
@controller_option
@json_option
@says_failures
def follow(sweep_id: str, address: str, as_json: bool) -> None:
    """Follow a sweep that was started before.

    \b
    Example:
      edgerank follow 3f2a9c01b7de
    """
    with QueryClient(address) as client:
        _follow(client, sweep_id, Console(stderr=as_json), as_json)


@click.command()
@click.argument("sweep_id", metavar="SWEEP")
@controller_option
@says_failures
def cancel(sweep_id: str, address: str) -> None:
    """End a sweep; what was measured is kept.

    \b
    Example:
      edgerank cancel 3f2a9c01b7de
    """
    with QueryClient(address) as client:
        phase = client.cancel_sweep(sweep_id)
    had_ended = " already" if phase is SweepPhase.ENDED else ""
    click.echo(f"sweep {sweep_id} is {phase.value}{had_ended}")


def _follow(client: QueryClient, sweep_id: str, console: Console, as_json: bool) -> None:
    try:
        result = follow_sweep(client.watch_sweep(sweep_id), console)
    except KeyboardInterrupt:
        console.print(
            f"the sweep goes on: 'edgerank follow {sweep_id}' shows it, "
            f"'edgerank cancel {sweep_id}' ends it",
            highlight=False,
        )
        raise
    if as_json:
        print_json(result)
    raise_if_jobs_failed(result)


def raise_if_jobs_failed(result: SweepSnapshot) -> None:
    """Says how many jobs failed.

    Raises:
        EdgerankError: EXECUTION when any did, or the sweep was cancelled.
    """
    if result.phase is SweepPhase.CANCELLED:
        raise EdgerankError(ErrorCode.EXECUTION, f"sweep {result.sweep_id} was cancelled")
    failed = sum(outcome.verdict is Verdict.FAILED for outcome in result.ended)
    if failed:
        others = "; the others are measured and kept" if failed < len(result.ended) else ""
        raise EdgerankError(
            ErrorCode.EXECUTION,
            f"{failed} of {len(result.ended)} jobs failed, each with its reason above{others}",
        )

"""`edgerank sweep`, `follow` and `cancel`: plan, run, follow, stop."""

import click
from rich.console import Console

from controller.cli.options.asking import controller_option, json_option
from controller.cli.options.failures import says_failures
from controller.cli.options.grouping import GroupedCommand
from controller.cli.options.runtime import RuntimeSettings, runtime_options
from controller.cli.options.start_gate import gate_options
from controller.cli.options.sweeping import (
    MeasuringRules,
    SweptSettings,
    measuring_options,
    swept_options,
)
from controller.cli.options.values import read_backbones
from controller.cli.options.variants import WantedVariants, variant_options
from controller.cli.printing.documents import print_json
from controller.cli.printing.follow import follow_sweep
from controller.cli.printing.telling import looked_at
from controller.client import QueryClient
from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.measurements import Verdict
from controller.domain.sweeps import SweepPhase, SweepSnapshot, SweepSpec
from controller.views.counting import counted
from controller.views.reasons import sentence
from protos.measuring import StartGate


@click.command(cls=GroupedCommand)
@swept_options
@variant_options
@runtime_options
@measuring_options
@gate_options
@controller_option
@json_option
@says_failures
def sweep(
    *,
    swept: SweptSettings,
    variants: WantedVariants,
    runtime_settings: RuntimeSettings,
    rules: MeasuringRules,
    gate: StartGate,
    address: str,
    as_json: bool,
) -> None:
    """Measure backbones on devices.

    Follows until every job has ended; Ctrl-C stops following, not the sweep. Exit code 4 when a
    job failed. Each repetition waits, for a while, until the device is cool and little else runs
    there; the sweep says what it waits for, and figures say what was in the way all the same.

    \b
    Examples:
      edgerank sweep --models MobileNetV1,PPLCNet_x1_0 --devices all
      edgerank sweep --models tier:mobile --devices phone,board --threads 1,2,4
      edgerank sweep --models GhostNet_x1_3 --runtimes onnxruntime --precision 0.5%
      edgerank sweep --models tier:mobile --devices phone --time 20m
      edgerank sweep --models tier:mobile --devices phone --sustained 10m
      edgerank sweep --models MobileNetV1 --precisions fp32,int8-dynamic --batch 1,4
      edgerank sweep --models tier:mobile --max-temperature 45C --start-deadline 300s
      edgerank sweep --models PPLCNet_x1_0 --max-load none --name nightly
      edgerank sweep --models MobileNetV1 --devices phone --cores big --threads 4 --no-spinning
    """
    console = Console(stderr=as_json)
    with QueryClient(address) as client:
        backbones = read_backbones(swept.names, client.catalog())
        spec = SweepSpec(
            backbones=tuple(backbone.name for backbone in backbones),
            devices=swept.devices,
            runtimes=swept.runtimes,
            threads=swept.threads,
            weights=variants.weights,
            fewest_repetitions=rules.fewest_repetitions,
            most_repetitions=rules.most_repetitions,
            relative_half_width=rules.relative_half_width,
            time_budget_ms=rules.time_budget_ms,
            precisions=variants.precisions,
            input_sizes=variants.input_sizes,
            batches=variants.batches,
            sentinel=rules.sentinel,
            name=swept.name,
            gate=gate,
            cores=runtime_settings.cores,
            flush_denormals=runtime_settings.flush_denormals,
            onnxruntime=runtime_settings.onnxruntime,
            sustained_minutes=rules.sustained_minutes,
            time_ms=rules.time_ms,
        )
        sweep_id, job_count, left_out = client.start_sweep(spec)
        console.print(f"sweep {sweep_id}: {counted(job_count, 'job')}", highlight=False)
        for why in left_out:
            console.print(f"left out: {sentence(why)}", highlight=False)
        _follow(client, sweep_id, console, as_json)


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
        _follow(client, sweep_id, Console(stderr=as_json), as_json)


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


def _follow(client: QueryClient, sweep_id: str, console: Console, as_json: bool) -> None:
    try:
        result = follow_sweep(looked_at(client.watch_sweep(sweep_id)), console)
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
            f"{failed} of {counted(len(result.ended), 'job')} failed, each with its reason "
            f"above{others}",
        )

"""`make survey` measures most of the catalog on this machine, coarsely, small networks first.

Through the product: a controller and an agent of their own, in a home that lasts. A run goes on
where the last one stopped, and measures again what was disturbed once nothing else is left.
Conversions need no quiet machine: with `--convert-only` they are made ahead.
"""

import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from itertools import islice
from pathlib import Path
from statistics import median

import click

from controller.client import QueryClient
from controller.domain.conversions import ConversionResult, ConversionSpec
from controller.domain.errors import EdgerankError
from controller.domain.measurements import Measurement, MeasurementFilter, Verdict
from controller.domain.quantities import parse_time_ms
from controller.domain.sweeps import (
    DEFAULT_GATE,
    DEFAULT_RELATIVE_HALF_WIDTH,
    RUNNING_PHASES,
    SweepSpec,
)
from controller.views.conversions.page import TOOLS
from models.catalog.catalog import Backbone, load_catalog
from models.catalog.variants import Target, WeightsKind
from models.tools import tool_versions
from protos.runtimes import Runtime
from tests.benchmarks.predicting.survey.table import (
    HERE,
    PROCESSES,
    THREADS,
    OtherMachine,
    Row,
    Table,
)
from tests.processes import running_agent, running_controller

DEVICE = "survey"
PROCESS_MS = 500
# Small, so that little is lost when a run is stopped.
BACKBONES_A_SWEEP = 5
BACKBONES_A_CONVERSION = 12


@click.command(help=__doc__)
@click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path.home() / ".cache" / "edgerank" / "survey",
    show_default=True,
    help="Folder of the controller and of the agent, which is kept.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=HERE,
    show_default=True,
    help="Folder of the table.",
)
@click.option("--time", "bound", metavar="TIME", help="Begin nothing that would last beyond it.")
@click.option("--most", type=click.IntRange(1), help="The smallest so many networks only.")
@click.option("--without", metavar="NAME,NAME", default="", help="Leave these backbones out.")
@click.option("--convert-only", is_flag=True, help="Convert, and measure nothing.")
def main(
    *,
    home: Path,
    output: Path,
    bound: str | None,
    most: int | None,
    without: str,
    convert_only: bool,
) -> None:
    """Convert and measure what is missing, as far as the time goes."""
    left_out = set(without.split(","))
    names = [each.name for each in islice(networks(), most) if each.name not in left_out]
    clock = _Clock(None if bound is None else parse_time_ms(bound) / 1_000)
    with running_controller(home / "controller") as (_, address), QueryClient(address) as client:
        try:
            if convert_only:
                _convert_all(client, names, clock)
                return
            with running_agent(address, DEVICE, home / "agent"):
                _measure_all(client, names, Table(output), clock)
        except (EdgerankError, OtherMachine) as error:
            raise click.ClickException(str(error)) from error


def networks() -> Iterator[Backbone]:
    """The catalog's networks, the smallest first: of several weights of one, the first."""
    seen: set[tuple[str, int]] = set()
    by_size = sorted(
        load_catalog(), key=lambda each: each.counted_flops_g or each.flops_g or float("inf")
    )
    for each in by_size:
        network = (each.architecture, each.input_size.height)
        if network not in seen:
            seen.add(network)
            yield each


class _Clock:
    """Says whether another step, expected to take as long as the longest before, is in time."""

    def __init__(self, bound_s: float | None) -> None:
        self._bound_s = bound_s
        self._begin = self._last = time.monotonic()
        self._longest_s = 0.0

    def has_time(self) -> bool:
        """Ask before each step."""
        now = time.monotonic()
        self._longest_s = max(self._longest_s, now - self._last)
        self._last = now
        return self._bound_s is None or now - self._begin + self._longest_s <= self._bound_s


def _convert_all(client: QueryClient, names: Sequence[str], clock: _Clock) -> None:
    for start in range(0, len(names), BACKBONES_A_CONVERSION):
        if not clock.has_time():
            break
        asked = names[start : start + BACKBONES_A_CONVERSION]
        made = _convert(client, asked)
        click.echo(f"{start + len(asked)} of {len(names)}: {len(made)} of {len(asked)} convert")


def _convert(client: QueryClient, names: Sequence[str]) -> set[str]:
    """Make files for this machine's runtimes; names of those that have all."""
    spec = ConversionSpec(backbones=tuple(names), weights=WeightsKind.SYNTHETIC)
    not_made: dict[str, str] = {}
    for snapshot in client.convert(spec):
        for outcome in snapshot.ended:
            is_made = outcome.result in (ConversionResult.STORED, ConversionResult.CACHED)
            if outcome.target is not Target.ARM and not is_made:
                not_made[outcome.backbone] = outcome.reason
    for name, why in not_made.items():
        click.echo(f"{name} is not converted: {why}", err=True)
    return set(names) - not_made.keys()


def _measure_all(client: QueryClient, names: Sequence[str], table: Table, clock: _Clock) -> None:
    machine = _machine(client)
    table.check(machine)
    for summary in client.list_sweeps():
        # What a run began that was stopped.
        if summary.phase in RUNNING_PHASES:
            client.cancel_sweep(summary.sweep_id)
    missing = table.missing(names)
    for start in range(0, len(missing), BACKBONES_A_SWEEP):
        if not clock.has_time():
            break
        asked = missing[start : start + BACKBONES_A_SWEEP]
        made = _convert(client, asked)
        rows = [row for name in asked if name not in made for row in _failed(name)]
        if made:
            rows += _measure(client, [name for name in asked if name in made])
        table.add(rows, machine)
        told = ", ".join(f"{row.verdict.value}" for row in rows)
        click.echo(f"{start + len(asked)} of {len(missing)}: {', '.join(asked)}: {told}")


def _measure(client: QueryClient, names: Sequence[str]) -> list[Row]:
    spec = SweepSpec(
        backbones=tuple(names),
        devices=(DEVICE,),
        runtimes=tuple(Runtime),
        threads=THREADS,
        weights=WeightsKind.SYNTHETIC,
        fewest_repetitions=PROCESSES,
        most_repetitions=PROCESSES,
        relative_half_width=DEFAULT_RELATIVE_HALF_WIDTH,
        time_budget_ms=PROCESS_MS,
        gate=DEFAULT_GATE,
        sentinel=True,
    )
    sweep_id = client.start_sweep(spec).sweep_id
    for _ in client.watch_sweep(sweep_id):
        pass
    wanted = MeasurementFilter(sweep_id=sweep_id, with_samples=True)
    found = [each for each in client.list_measurements(wanted) if each.backbone in set(names)]
    return [_row(each) for each in found]


def _row(measurement: Measurement) -> Row:
    at = datetime.fromtimestamp(measurement.measured_at_unix_ms / 1_000, timezone.utc)
    return Row(
        backbone=measurement.backbone,
        runtime=measurement.runtime,
        threads=measurement.threads,
        verdict=measurement.verdict,
        medians_ms=tuple(
            median(each.latency_ns) / 1e6 for each in measurement.repetitions if each.latency_ns
        ),
        peak_rss_bytes=None if measurement.memory is None else measurement.memory.peak_rss_bytes,
        measured_at=at.isoformat(timespec="seconds"),
    )


def _failed(name: str) -> Iterator[Row]:
    for runtime in Runtime:
        for threads in THREADS:
            yield Row(backbone=name, runtime=runtime, threads=threads, verdict=Verdict.FAILED)


def _machine(client: QueryClient) -> dict[str, object]:
    profile = client.measured_device(DEVICE).profile
    return {
        "cpu": profile.cpu_model,
        "cores": profile.logical_cores,
        "memory_bytes": profile.memory_bytes,
        "instruction_sets": list(profile.instruction_sets),
        "virtual_machine": profile.virtual_machine,
        "kernel": profile.kernel,
        "operating_system": profile.operating_system,
        "python": profile.python_version,
        "runtimes": {each.runtime.value: each.version for each in profile.working_runtimes},
        "conversion_tools": tool_versions(TOOLS),
        "weights": WeightsKind.SYNTHETIC.value,
        "process_ms": PROCESS_MS,
    }


if __name__ == "__main__":
    main()

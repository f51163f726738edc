"""`edgerank demo`: the whole job on this machine."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from platformdirs import user_data_path
from rich.console import Console

from controller.cli.options.failures import says_failures
from controller.cli.options.files.output_path import check_output
from controller.cli.options.variants import weights_option
from controller.cli.printing.follow import follow_sweep
from controller.cli.printing.rankings.device import print_ranking
from controller.cli.printing.telling import Teller, looked_at, print_line
from controller.cli.rankings.report import write_report
from controller.cli.sweeps.sweep import raise_if_jobs_failed
from controller.client import QueryClient
from controller.domain.devices import Device
from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.rankings import Constraints
from controller.domain.sweeps import SweepSpec
from controller.views.counting import counted
from models.catalog.catalog import DEMO_BACKBONES
from models.catalog.variants import WeightsKind

DEVICE = "this-machine"
STOP_S = 10.0
JOIN_S = 90.0
FEWEST_REPETITIONS = 3
MOST_REPETITIONS = 5
# A quick look: at ±1 % most of so short repetitions would be wide.
RELATIVE_HALF_WIDTH = 0.05
TIME_BUDGET_MS = 600
# Of three processes a job, and more where intervals are widest.
TIME_MS = 100_000


@click.command()
@click.option(
    "--state",
    "state_dir",
    type=click.Path(path_type=Path),
    default=lambda: user_data_path("edgerank") / "demo",
    show_default="the user's data folder",
    help="Folder of the demo's controller and agent; a second run finds the artifacts there.",
)
@click.option(
    "--output",
    "-o",
    "report_path",
    type=click.Path(path_type=Path),
    default=Path("report.html"),
    show_default=True,
)
@weights_option(WeightsKind.SYNTHETIC)
@says_failures
def demo(state_dir: Path, report_path: Path, weights: WeightsKind) -> None:
    """Run the whole job on this machine.

    Controller, agent, 12 backbones x 2 runtimes, ranking on the terminal, report.html. A quick
    look: few and short repetitions.

    \b
    Examples:
      edgerank demo --weights synthetic
      edgerank demo --output /tmp/report.html
    """
    console = Console()
    check_output(report_path, "name another with --output")
    spec = SweepSpec(
        backbones=DEMO_BACKBONES,
        devices=(DEVICE,),
        runtimes=(),
        threads=(1,),
        weights=weights,
        fewest_repetitions=FEWEST_REPETITIONS,
        most_repetitions=MOST_REPETITIONS,
        relative_half_width=RELATIVE_HALF_WIDTH,
        time_budget_ms=TIME_BUDGET_MS,
        time_ms=TIME_MS,
        # A second run is a second look.
        fresh=True,
    )
    teller = Teller(console)
    teller.waits("waiting for a controller of this machine's own")
    with _controller(state_dir, teller) as address, _agent(state_dir, address) as agent:
        print_line(console, f"controller at {address}, state in {state_dir}")
        with QueryClient(address) as client:
            teller.waits("waiting for its agent")
            device = _wait_for_device(client, agent, state_dir / "agent.log", teller)
            cores = counted(device.profile.logical_cores, "core")
            print_line(
                console,
                f"{device.name}: {device.profile.cpu_model}, {cores}; {weights.value} weights",
            )
            started = client.start_sweep(spec)
            jobs = counted(started.job_count, "job")
            print_line(console, f"sweep {started.sweep_id}: {jobs}")
            result = follow_sweep(looked_at(client.watch_sweep(started.sweep_id)), console)
            print_ranking(console, client.rank(DEVICE, Constraints()))
            write_report(client, DEVICE, report_path, Constraints())
    print_line(console, f"report written to {report_path}")
    raise_if_jobs_failed(result)


@contextmanager
def _controller(state_dir: Path, teller: Teller) -> Iterator[str]:
    """A controller in a process of its own, on a free port; gives its address."""
    command = ("controller", "--port", "0", "--state", str(state_dir / "controller"))
    with _edgerank(state_dir, "controller", *command) as process:
        first_line = _first_line(process, teller)
        if not first_line.startswith("listening on "):
            process.wait(STOP_S)
            raise EdgerankError(
                ErrorCode.EXECUTION, _last_words(state_dir / "controller.log", "the controller")
            )
        yield first_line.removeprefix("listening on ").split(",")[0]


def _first_line(process: subprocess.Popen[str], teller: Teller) -> str:
    """What the process says first; empty when it ends without a word."""
    assert process.stdout is not None
    for line in looked_at(process.stdout):
        if line is not None:
            return line
        teller.look()
    return ""


@contextmanager
def _agent(state_dir: Path, address: str) -> Iterator[subprocess.Popen[str]]:
    command = ("agent", "--controller", address, "--name", DEVICE)
    with _edgerank(state_dir, "agent", *command, "--state", str(state_dir / "agent")) as agent:
        yield agent


@contextmanager
def _edgerank(state_dir: Path, role: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    try:
        state_dir.mkdir(parents=True, exist_ok=True)
        log = (state_dir / f"{role}.log").open("w")
    except OSError as error:
        raise EdgerankError(
            ErrorCode.STORAGE,
            f"cannot write the state folder {state_dir}: {error.strerror}; "
            "make it writable or choose another with --state DIR",
        ) from error
    with log:
        process = subprocess.Popen(
            [sys.executable, "-m", "controller.cli.main", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdout is not None:
                process.stdout.close()


def _wait_for_device(
    client: QueryClient, agent: subprocess.Popen[str], log: Path, teller: Teller
) -> Device:
    deadline = time.monotonic() + JOIN_S
    while agent.poll() is None and time.monotonic() < deadline:
        for device in client.list_devices():
            if device.name == DEVICE and device.connected:
                return device
        teller.look()
        time.sleep(0.05)
    raise EdgerankError(ErrorCode.EXECUTION, _last_words(log, "the agent"))


def _last_words(log: Path, who: str) -> str:
    lines = [line for line in log.read_text().splitlines() if line.strip()]
    said = lines[-1].removeprefix("error: ") if lines else "it said nothing"
    return f"{who} did not start: {said} (its log is {log})"

"""Deployments on the terminal."""

from collections.abc import Iterator

from rich.console import Console
from rich.table import Table
from rich.text import Text

from controller.cli.printing.devices import print_device
from controller.server.deploying.board import Service
from controller.server.deploying.deployment import Deployed
from controller.server.deploying.status import Status

_KEPT_BY = {
    Service.SYSTEM: "systemd",
    Service.USER: "systemd, of its user",
    Service.SCRIPT: "a script, until the board restarts",
}


def print_deployed(console: Console, deployed: Deployed) -> None:
    """Print whether anything changed, and the device's profile."""
    name = deployed.device.name
    told = f"{name} reports" if deployed.changed else f"{name} reports: nothing was to be changed"
    console.print(Text(told, style="green"), soft_wrap=True)
    print_device(console, deployed.device)


def print_status(console: Console, status: Status) -> None:
    """Print how an agent stands, a line for each thing."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(style="dim", overflow="fold")
    table.add_column(overflow="fold")
    for kind, told in _all_of(status):
        if told:
            table.add_row(kind, Text(told))
    console.print(table)


def _all_of(status: Status) -> Iterator[tuple[str, str]]:
    yield "board", status.where
    yield "deployed", f"edgerank {status.version}" if status.deployed else "nothing"
    yield "running", "yes" if status.running else "no"
    yield "kept by", _KEPT_BY[status.service] if status.deployed else ""
    yield "in", status.base
    yield "device", status.device or status.device_id or ""
    if status.device_id is not None and status.device is None:
        yield "fleet", "of another controller, or removed from this one"
    yield "connected", "" if status.device is None else "yes" if status.connected else "no"
    yield "labels", ", ".join(f"{key}={value}" for key, value in sorted(status.labels.items()))
    yield "runtimes", ", ".join(each.value for each in status.runtimes)
    yield "measures", "with the native runner that was brought" if status.native_runner else ""

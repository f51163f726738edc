"""Devices on the terminal."""

from collections.abc import Sequence
from datetime import datetime, timezone

from rich.console import Console
from rich.table import Table
from rich.text import Text

from controller.domain.cores import format_cores
from controller.domain.quantities import format_memory
from controller.domain.sweeps import Device
from controller.views.device_words import (
    clusters_words,
    instruction_set_words,
    surroundings_words,
)
from protos.device import DeviceProfile


def print_devices(console: Console, devices: Sequence[Device]) -> None:
    """Print who enrolled, who is connected, and what they are."""
    if not devices:
        console.print(Text("No device has enrolled; start an agent with: edgerank agent"))
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("device", overflow="fold")
    table.add_column("connected", no_wrap=True)
    table.add_column("what it is", overflow="fold")
    table.add_column("runtimes", overflow="fold")
    for device in devices:
        table.add_row(_name(device), _presence(device), _profile(device.profile), _runtimes(device))
    console.print(table)


def _name(device: Device) -> Text:
    name = Text(device.name, style="bold" if device.connected else "")
    for key, label in sorted(device.labels.items()):
        name.append(f"\n{key}={label}", style="dim")
    return name


def _presence(device: Device) -> Text:
    if device.connected:
        return Text("yes", style="green")
    last_seen = datetime.fromtimestamp(device.last_seen_at_unix_ms / 1000, tz=timezone.utc)
    return Text(f"no, last seen\n{last_seen:%Y-%m-%d %H:%M} UTC", style="dim")


def _profile(profile: DeviceProfile) -> Text:
    what = Text(profile.cpu_model or profile.architecture)
    size = [
        profile.architecture if profile.cpu_model else "",
        _cores(profile),
        format_memory(profile.memory_bytes) if profile.memory_bytes else "",
    ]
    chip = profile.soc if profile.soc != profile.cpu_model else ""
    board = profile.board if profile.board != profile.cpu_model else ""
    lines = (
        ", ".join(filter(None, (board, chip))),
        ", ".join(filter(None, size)),
        clusters_words(profile.clusters),
        instruction_set_words(profile.instruction_sets),
        profile.operating_system,
    )
    for line in filter(None, lines):
        what.append(f"\n{line}", style="dim")
    for mark in surroundings_words(profile):
        what.append(f"\n{mark}", style="yellow")
    return what


def _cores(profile: DeviceProfile) -> str:
    """Write 8 cores, or, of an agent that may not use them all, 8 cores (0-1 usable)."""
    if not profile.logical_cores:
        return ""
    usable = profile.usable_cpus
    limit = f" ({format_cores(usable)} usable)" if 0 < len(usable) < profile.logical_cores else ""
    return f"{profile.logical_cores} cores{limit}"


def _runtimes(device: Device) -> Text:
    if not device.profile.runtimes:
        return Text("none", style="yellow")
    runtimes = Text()
    for known in device.profile.runtimes:
        runtimes.append(f"{known.runtime.value} {known.version}\n")
        for told in (known.build, *known.execution_providers):
            runtimes.append(f"{told}\n" if told else "", style="dim")
    runtimes.rstrip()
    return runtimes

"""Devices on the terminal."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import replace

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from controller.domain.cores import format_cores
from controller.domain.devices import Device, DeviceChanges, DeviceEvent
from controller.domain.quantities import format_memory
from controller.views.counting import minute
from controller.views.device_words import (
    cache_words,
    clusters_words,
    event_words,
    instruction_set_words,
    is_remarkable,
    standing_words,
    surroundings_words,
)
from protos.device import DeviceProfile
from protos.runtimes import RuntimeInfo

_ANY_LENGTH = 10_000
_NOBODY = (
    "The fleet has no device. Start an agent: on the controller's own machine 'edgerank agent "
    "--controller HOST:PORT', elsewhere 'edgerank agent --join' with a token of 'edgerank token "
    "create'."
)


def print_devices(console: Console, devices: Sequence[Device]) -> None:
    """Print who enrolled, who is connected, and what they are.

    A device is a line: on a terminal where it fits, elsewhere however long it is.
    """
    if not console.is_terminal:
        # Nothing is printed wider than its console.
        console = Console(file=console.file, width=_ANY_LENGTH)
    console.print(devices_page(devices))


def devices_page(devices: Sequence[Device]) -> RenderableType:
    """What `print_devices` prints."""
    if not devices:
        return Text(_NOBODY)
    return Group(_listed(devices), *_remarks(devices))


def _watched_page(devices: Iterable[Device]) -> RenderableType:
    """As `devices_page`, what is remarkable first: a terminal shows as much as it has lines."""
    ordered = sorted(devices, key=lambda each: (not is_remarkable(each.standing), each.name))
    return Group(*_remarks(ordered), _listed(ordered)) if ordered else Text(_NOBODY)


def _listed(devices: Sequence[Device]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("device", "connected", "what it is", "runtimes"):
        table.add_column(heading, overflow="fold")
    for device in devices:
        table.add_row(
            Text(device.name, style="bold" if device.connected else ""),
            _presence(device),
            _what(device.profile),
            _runtimes(device.profile),
        )
    return table


def _remarks(devices: Sequence[Device]) -> list[Text]:
    return [
        Text(f"{device.name} {standing_words(device.standing)}", style="yellow")
        for device in devices
        if is_remarkable(device.standing)
    ]


def presence_line(device: Device) -> Text:
    """A line of a device that changed: whether it is connected, and takes jobs."""
    where = "connected" if device.connected else "not connected"
    words = f"{device.name}: {where}; {standing_words(device.standing)}"
    return Text(words, style="yellow" if is_remarkable(device.standing) else "")


def print_device(console: Console, device: Device) -> None:
    """Print all that a device says of itself, a line for each thing that it says."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(style="dim", overflow="fold")
    table.add_column(overflow="fold")
    table.add_row("device", Text(device.name, style="bold"))
    table.add_row("connected", _presence(device))
    style = "yellow" if is_remarkable(device.standing) else ""
    table.add_row("jobs", Text(standing_words(device.standing), style=style))
    for kind, told in _all_of(device):
        if told:
            table.add_row(kind, Text(told))
    for mark in surroundings_words(device.profile):
        table.add_row("runs in", Text(mark, style="yellow"))
    if not device.profile.runtimes:
        table.add_row("runtimes", Text("none", style="yellow"))
    for known in device.profile.runtimes:
        lacking = "without extra kernels" if known.extra_kernels is False else ""
        told = "\n".join(filter(None, (known.build, *known.execution_providers, lacking)))
        words = _runtime(known)
        words.append(f": {known.last_words}" if known.last_words else "", style="red")
        table.add_row("runtime", words.append(f"\n{told}" if told else "", style="dim"))
    console.print(table)


def print_events(console: Console, events: Sequence[DeviceEvent]) -> None:
    """Print what befell a device, a line each."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("when, UTC", no_wrap=True)
    table.add_column("what", overflow="fold")
    for event in events:
        table.add_row(Text(minute(event.at_unix_ms)), Text(event_words(event)))
    console.print(table)


def watch_devices(told: Iterable[DeviceChanges], console: Console) -> None:
    """Show devices until nothing more is told: a table on a terminal, else a line a change.

    Args:
        told: all of them first, then those that changed.
        console: where.
    """
    known: dict[str, Device] = {}
    live = Live(console=console, auto_refresh=False) if console.is_terminal else None
    is_first = True
    with live or nullcontext():
        for changes in told:
            lines = [*_gone(changes, known), *_changed(changes, known)]
            if live is not None:
                live.update(_watched_page(known.values()), refresh=True)
            elif is_first:
                print_devices(console, sorted(known.values(), key=lambda device: device.name))
            else:
                for line in lines:
                    console.print(line, soft_wrap=True)
            is_first = False


def _gone(changes: DeviceChanges, known: dict[str, Device]) -> list[Text]:
    """Forget those that are in the fleet no more; give a line of each that was known."""
    gone = [known.pop(each) for each in changes.gone_ids if each in known]
    return [Text(f"{device.name}: removed") for device in gone]


def _changed(changes: DeviceChanges, known: dict[str, Device]) -> list[Text]:
    """Remember how devices are; give a line of each that people see a change of."""
    lines = []
    for device in changes.devices:
        before = known.get(device.device_id)
        known[device.device_id] = device
        # Else two lines would be alike.
        if before is None or _seen_alike(before) != _seen_alike(device):
            lines.append(presence_line(device))
    return lines


def _seen_alike(device: Device) -> Device:
    return replace(device, last_seen_at_unix_ms=0)


def _all_of(device: Device) -> Iterator[tuple[str, str]]:
    profile = device.profile
    yield "labels", ", ".join(f"{key}={label}" for key, label in sorted(device.labels.items()))
    yield "id", device.device_id
    yield "enrolled", _moment(device.enrolled_at_unix_ms)
    yield "processor", profile.cpu_model
    yield "architecture", profile.architecture
    yield "board", profile.board
    yield "chip", profile.soc
    yield "cores", _cores(profile)
    yield "clusters", clusters_words(profile.clusters)
    yield "caches", cache_words(profile.caches)
    yield "instructions", instruction_set_words(profile.instruction_sets)
    yield "accelerators", ", ".join(profile.accelerators)
    yield "memory", format_memory(profile.memory_bytes) if profile.memory_bytes else ""
    yield "system", profile.operating_system
    yield "kernel", profile.kernel
    yield "host", profile.hostname
    yield "Python", profile.python_version
    yield "agent", profile.agent_version
    yield "confined", ", ".join(profile.confinement)
    for key, value in sorted(profile.android_properties.items()):
        yield "Android", f"{key}={value}"


def _presence(device: Device) -> Text:
    if device.connected:
        return Text("yes", style="green")
    if device.origin is not None:
        return Text(f"never, imported from {device.origin}", style="dim")
    return Text(f"no, seen {_moment(device.last_seen_at_unix_ms)}", style="dim")


def _moment(unix_ms: int) -> str:
    return f"{minute(unix_ms)} UTC"


def _what(profile: DeviceProfile) -> Text:
    """Write its most telling name, its size, and whether anything stands before the metal."""
    what = Text(profile.cpu_model or profile.board or profile.soc or profile.architecture)
    memory = format_memory(profile.memory_bytes) if profile.memory_bytes else ""
    for told in filter(None, (_cores(profile), memory)):
        what.append(f", {told}")
    for is_so, word in (
        (profile.emulator, "emulated"),
        (profile.virtual_machine, "VM"),
        (profile.container, "container"),
    ):
        what.append(f", {word}" if is_so else "", style="yellow")
    return what


def _cores(profile: DeviceProfile) -> str:
    """Write 8 cores, with what limits the agent to less: 8 cores (0-1 usable), quota 1.5."""
    if not profile.logical_cores:
        return ""
    usable = profile.usable_cpus
    limit = f" ({format_cores(usable)} usable)" if 0 < len(usable) < profile.logical_cores else ""
    counted = f"{profile.logical_cores} core{'' if profile.logical_cores == 1 else 's'}"
    quota = profile.cpu_quota_cores
    share = "" if quota is None else f", quota {quota:.3g}"
    return f"{counted}{limit}{share}"


def _runtimes(profile: DeviceProfile) -> Text:
    if not profile.runtimes:
        return Text("none", style="yellow")
    return Text(", ").join(map(_runtime, profile.runtimes))


def _runtime(known: RuntimeInfo) -> Text:
    """Write its name and version, and whether it crashes when it is loaded."""
    name = Text(f"{known.runtime.value} {known.version}")
    return name.append(" broken", style="red") if known.last_words else name

"""Devices on the terminal, kept in `pages/devices.txt`.

When a page was meant to change, write them anew and look at what differs:

    python -c "from tests.unit.controller.cli.printing.test_devices import *
    print(bound(pages()), end='')" > tests/unit/controller/cli/printing/pages/devices.txt
"""

from dataclasses import replace

import pytest
from rich.console import Console

from controller.cli.printing.devices import (
    devices_page,
    print_device,
    print_devices,
    print_events,
)
from controller.domain.access import CallerKind
from controller.domain.devices import DeviceCondition, DeviceEvent, DeviceEventKind, DeviceStanding
from protos.device import CoreCluster, DeviceProfile
from protos.reasons import ReasonCode, reason
from tests.unit.controller.samples.measurements import device
from tests.unit.controller.samples.pages import bound, kept, printed
from tests.unit.controller.samples.reasons import CRASHED

WHOLE = device().profile
LIMITED = replace(WHOLE, usable_cpus=(0, 1))
AWAY = device(name="board", connected=False, profile=DeviceProfile(architecture="aarch64"))
RESTING = device(
    standing=DeviceStanding(
        condition=DeviceCondition.RESTING,
        since_unix_ms=1_795_678_200_000,
        caller=CallerKind.TOKEN,
        caller_name="night",
    )
)
DRAINING = device(
    name="board",
    standing=DeviceStanding(
        condition=DeviceCondition.DRAINING,
        since_unix_ms=1_795_678_200_000,
        caller=CallerKind.OWNER,
    ),
)
QUARANTINED = device(
    standing=DeviceStanding(
        condition=DeviceCondition.QUARANTINED,
        since_unix_ms=1_795_678_200_000,
        reasons=(reason(ReasonCode.FAILED_IN_A_ROW, backbones=5), CRASHED),
        failing_backbones=("a", "b", "c", "d", "e"),
    )
)
SILENT = device(name="board", standing=DeviceStanding(unreported=2))
EVENTS = [
    DeviceEvent(
        at_unix_ms=1_795_678_200_000 - 60_000 * number,
        kind=kind,
        caller=CallerKind.TOKEN if kind is DeviceEventKind.RESTING else None,
        caller_name="night" if kind is DeviceEventKind.RESTING else "",
        name="kitchen" if kind is DeviceEventKind.RENAMED else "",
        former_name="board" if kind is DeviceEventKind.RENAMED else "",
        reasons=QUARANTINED.standing.reasons if kind is DeviceEventKind.QUARANTINED else (),
    )
    for number, kind in enumerate(reversed(DeviceEventKind))
]
PHONE = DeviceProfile(
    architecture="aarch64",
    soc="SM8150",
    board="Xiaomi Mi 9T Pro",
    clusters=(
        CoreCluster(cpus=(7,), capacity=1_024, max_frequency_khz=2_841_600),
        CoreCluster(cpus=(4, 5, 6), capacity=871, max_frequency_khz=2_419_200),
        CoreCluster(cpus=(0,)),
    ),
    instruction_sets=("asimd", "asimddp", "asimdhp", "avx512f", "avx512_vnni"),
    container="docker",
    virtual_machine="QEMU",
    emulator="qemu-user",
)


def pages() -> dict[str, str]:
    shown = {
        "who is connected and what they are": [device(), AWAY],
        "cores, and what stands between them and the metal": [device(profile=PHONE)],
        "cores that an agent may not use": [device(profile=LIMITED)],
        "a quota of their time": [device(profile=replace(LIMITED, cpu_quota_cores=1.5))],
        "nobody enrolled": [],
        "one that rests, and one that drains": [RESTING, DRAINING],
        "one in quarantine, and one that reports nothing": [QUARANTINED, SILENT],
    }
    lists = {title: printed(print_devices, each, width=120) for title, each in shown.items()}
    return lists | {
        "all of one": printed(print_device, device()),
        "all of one that is away": printed(print_device, AWAY),
        "all of one that rests": printed(print_device, RESTING),
        "what befell one": printed(print_events, EVENTS),
        "all of a phone that is none": printed(print_device, device(profile=PHONE)),
    }


def test_devices_are_printed_as_they_are_kept() -> None:
    assert bound(pages()) == kept(__file__, "devices")


@pytest.mark.parametrize(("cpus", "is_told"), [((0, 1), True), ((0, 1, 2, 3), False)])
def test_cores_are_called_usable_where_not_all_are(cpus: tuple[int, ...], is_told: bool) -> None:
    shown = device(profile=replace(WHOLE, usable_cpus=cpus))
    for told in (printed(print_devices, [shown], width=120), printed(print_device, shown)):
        assert ("usable" in told) is is_told


def test_builds_are_told_of_one_device_only() -> None:
    told = WHOLE.runtimes[0]
    assert told.build
    assert told.build in printed(print_device, device())
    listed = printed(print_devices, [device(), device(name="board")], width=120)
    assert told.build not in listed
    assert len(listed.splitlines()) == 3


def test_a_runtime_that_crashes_when_it_is_loaded_is_broken_and_has_its_last_words() -> None:
    crashing = replace(WHOLE.runtimes[0], last_words="the child died by SIGILL")
    shown = device(profile=replace(WHOLE, runtimes=(crashing, *WHOLE.runtimes[1:])))
    listed, whole = printed(print_devices, [shown], width=120), printed(print_device, shown)
    assert f"{crashing.version} broken" in listed
    assert "SIGILL" not in listed
    assert f"broken: {crashing.last_words}" in whole
    assert "broken" not in printed(print_device, device())


@pytest.mark.parametrize("width", [40, 60, 80])
def test_no_name_is_lost_on_a_narrow_terminal(width: int) -> None:
    listed = "".join(printed(Console.print, devices_page([device(), AWAY]), width=width).split())
    for name in ("pi5", "board", "none"):
        assert name in listed


def test_without_a_terminal_a_device_is_one_line_however_long_it_is() -> None:
    name = "a" * 64
    listed = printed(print_devices, [device(name=name), device(), AWAY], width=40).splitlines()
    assert len(listed) == 4
    assert [name in line for line in listed] == [False, True, False, False]


def test_what_measuring_processes_are_held_to_is_told_where_it_is_known() -> None:
    held = device(profile=replace(WHOLE, confinement=("files", "network")))
    assert "files, network" in printed(print_device, held)
    assert "confined" not in printed(print_device, device())

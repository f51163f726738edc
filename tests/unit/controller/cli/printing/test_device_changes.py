"""Devices as they change are a line a change where there is no terminal."""

import io
from dataclasses import replace

import pytest
from rich.console import Console

from controller.cli.printing.devices import watch_devices
from controller.domain.devices import DeviceChanges, DeviceCondition, DeviceStanding
from tests.unit.controller.samples.measurements import device

PC = device(device_id="1", name="pc")
BOARD = device(device_id="2", name="board")
RESTS = replace(BOARD, standing=DeviceStanding(condition=DeviceCondition.RESTING))
LOST = replace(BOARD, connected=False)


def printed(*told: DeviceChanges, is_terminal: bool = False) -> str:
    file = io.StringIO()
    watch_devices(told, Console(file=file, width=120, force_terminal=is_terminal))
    return file.getvalue()


def test_all_are_listed_first_and_then_each_change_is_a_line() -> None:
    first = DeviceChanges(devices=(BOARD, PC))
    listed = printed(first).splitlines()
    lines = printed(
        first,
        DeviceChanges(devices=(LOST,)),
        DeviceChanges(devices=(RESTS,)),
        DeviceChanges(gone_ids=("2",)),
    ).splitlines()
    assert lines[: len(listed)] == listed
    lost, rests, gone = lines[len(listed) :]
    assert ("not connected" in lost, "rests" in rests, "removed" in gone) == (True, True, True)
    assert all(line.startswith("board") for line in (lost, rests, gone))


def test_what_nobody_sees_is_no_line() -> None:
    first = DeviceChanges(devices=(BOARD, PC))
    again = DeviceChanges(devices=(replace(PC, last_seen_at_unix_ms=9),), gone_ids=("unknown",))
    assert printed(first, again) == printed(first)


@pytest.mark.parametrize("changed", [LOST, RESTS])
def test_a_terminal_has_the_newest_table(changed: object) -> None:
    first = DeviceChanges(devices=(BOARD, PC))
    shown = printed(first, DeviceChanges(devices=(changed,)), is_terminal=True)  # type: ignore[arg-type]
    word = "no, seen" if changed is LOST else "rests"
    assert word in shown
    assert word not in printed(first, is_terminal=True)

"""Whether an agent joins, and as whom, is never guessed."""

from dataclasses import replace

import pytest

from controller.domain.devices import Device
from controller.domain.errors import EdgerankError, ErrorCode
from controller.server.deploying.installed import Standing
from controller.server.deploying.membership import Entry, entry_of
from protos.device import DeviceProfile

FRESH = Standing(release_id=None, settings=None, environments=(), device_id=None, running=False)
JOINED = replace(FRESH, device_id="1")


def device(device_id: str, name: str) -> Device:
    return Device(
        device_id=device_id,
        name=name,
        labels={},
        profile=DeviceProfile(architecture="aarch64"),
        connected=True,
        enrolled_at_unix_ms=0,
        last_seen_at_unix_ms=0,
    )


MINE, OTHER = device("1", "board"), device("2", "other")


@pytest.mark.parametrize(
    ("standing", "devices", "name", "rejoin", "entry"),
    [
        (FRESH, (), "board", False, Entry(None)),
        (FRESH, (OTHER,), "board", False, Entry(None)),
        (JOINED, (MINE, OTHER), "board", False, None),
        # Somebody gave it another name since.
        (JOINED, (device("1", "kitchen"),), "board", False, None),
        (FRESH, (MINE,), "board", True, Entry("board")),
        (JOINED, (OTHER,), "board", True, Entry(None)),
        (JOINED, (MINE,), "board", True, Entry("board")),
    ],
)
def test_an_agent_joins_when_it_has_to(
    standing: Standing, devices: tuple[Device, ...], name: str, rejoin: bool, entry: Entry | None
) -> None:
    assert entry_of(standing, devices, name, "pi@board", rejoin=rejoin, named=True) == entry


@pytest.mark.parametrize(
    ("standing", "devices", "name", "code"),
    [
        (FRESH, (MINE,), "board", ErrorCode.NAME_TAKEN),
        (JOINED, (MINE, OTHER), "other", ErrorCode.NAME_TAKEN),
        # Of another controller, or removed from this one.
        (JOINED, (OTHER,), "board", ErrorCode.PRECONDITION),
    ],
)
def test_what_could_be_another_device_is_asked_for(
    standing: Standing, devices: tuple[Device, ...], name: str, code: ErrorCode
) -> None:
    with pytest.raises(EdgerankError) as refused:
        entry_of(standing, devices, name, "pi@board", rejoin=False, named=True)
    assert refused.value.code is code
    assert "--rejoin" in str(refused.value)


def test_what_a_board_calls_itself_gives_it_nobody_elses_history() -> None:
    with pytest.raises(EdgerankError) as refused:
        entry_of(FRESH, (MINE,), "board", "pi@board", rejoin=True, named=False)
    assert refused.value.code is ErrorCode.NAME_TAKEN
    # Its own, or that of nobody yet.
    assert entry_of(JOINED, (MINE,), "board", "pi@board", rejoin=True, named=False) == Entry(
        "board"
    )
    assert entry_of(FRESH, (OTHER,), "board", "pi@board", rejoin=True, named=False) == Entry(None)

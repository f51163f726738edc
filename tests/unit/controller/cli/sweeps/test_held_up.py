"""What is said of a sweep whose devices take no jobs, and when it is followed no longer."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from controller.cli.printing.follow import follow_sweep
from controller.cli.printing.telling import SILENT_S
from controller.cli.sweeps.sweep import raise_if_jobs_failed
from controller.domain.access import CallerKind
from controller.domain.devices import DeviceCondition, DeviceStanding, HeldUp
from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.sweeps import Pause, SweepPhase, SweepSnapshot
from tests.unit.controller.cli.printing.test_follow import Terminal, lines_of, snapshot

RESTS = HeldUp(
    device="board",
    standing=DeviceStanding(
        condition=DeviceCondition.RESTING,
        since_unix_ms=1_795_678_200_000,
        caller=CallerKind.TOKEN,
        caller_name="night",
    ),
)


@pytest.mark.parametrize("is_terminal", [False, True])
def test_a_device_that_takes_no_jobs_is_said_once_and_that_it_takes_them_again(
    is_terminal: bool,
) -> None:
    held_up = replace(snapshot(), held_up=(RESTS,))
    done = replace(snapshot(), phase=SweepPhase.ENDED)
    lines = lines_of(held_up, held_up, snapshot(), done, is_terminal=is_terminal)
    assert sum("waits for board, which rests" in line for line in lines) == 1
    assert sum("the token night" in line for line in lines) == 1
    assert sum("edgerank devices wake board" in line for line in lines) == 1
    assert sum("board holds up no job any more" in line for line in lines) == 1


def test_what_is_waited_for_is_said_again_when_nothing_else_is() -> None:
    terminal = Terminal(is_terminal=False)

    def minutes() -> Iterator[SweepSnapshot | None]:
        yield replace(snapshot(), held_up=(RESTS,))
        terminal.now_s += SILENT_S
        yield None
        yield replace(snapshot(), phase=SweepPhase.ENDED)

    follow_sweep(minutes(), terminal.console)
    assert sum("waits for board" in line for line in terminal.lines) == 2


def _held_up(condition: DeviceCondition) -> HeldUp:
    return replace(RESTS, standing=replace(RESTS.standing, condition=condition))


def test_what_waits_for_devices_in_quarantine_only_is_followed_no_longer() -> None:
    sick = replace(snapshot(), held_up=(_held_up(DeviceCondition.QUARANTINED),), jobs_queued=2)
    terminal = Terminal(is_terminal=False)
    result = follow_sweep([sick, None, replace(sick, phase=SweepPhase.ENDED)], terminal.console)
    assert result.phase is SweepPhase.MEASURING
    with pytest.raises(EdgerankError, match="waits for board, in quarantine") as failed:
        raise_if_jobs_failed(result)
    assert failed.value.code is ErrorCode.EXECUTION


@pytest.mark.parametrize(
    "changes",
    [
        {"jobs_running": 1},
        {"held_up": (RESTS,)},
        {"held_up": (_held_up(DeviceCondition.QUARANTINED), replace(RESTS, device="phone"))},
        {"paused": Pause(by="ann", since_unix_ms=0)},
        {"phase": SweepPhase.CONVERTING},
    ],
)
def test_what_somebody_stopped_or_goes_on_elsewhere_is_followed(changes: dict[str, Any]) -> None:
    sick = replace(snapshot(), held_up=(_held_up(DeviceCondition.QUARANTINED),), jobs_queued=2)
    ended = replace(snapshot(), phase=SweepPhase.ENDED)
    told = [replace(sick, **changes), None, ended]
    assert follow_sweep(told, Terminal(is_terminal=False).console).phase is SweepPhase.ENDED

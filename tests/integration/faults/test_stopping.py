"""Whoever stops a soak reads what it tried so far and what is left, and nothing of it stays."""

import os
import re
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.processes import Running, running

SOAK = (sys.executable, "-m", "tests.faults")
COUNT = 12
STOPS_WITHIN_S = 60.0


def _press_ctrl_c(soak: Running) -> None:
    # A terminal signals all of its foreground group.
    os.killpg(soak.process.pid, signal.SIGINT)


def _terminate(soak: Running) -> None:
    soak.process.send_signal(signal.SIGTERM)


@pytest.mark.parametrize(
    ("stop", "exit_code"),
    [(_press_ctrl_c, 128 + signal.SIGINT), (_terminate, 128 + signal.SIGTERM)],
)
def test_a_soak_that_is_stopped_tells_what_it_did_and_what_is_left_and_leaves_nothing(
    stop: Callable[[Running], None], exit_code: int, tmp_path: Path
) -> None:
    arguments = ("--count", str(COUNT), "--at-once", "4")
    # In a session of its own, by which each process of it is found.
    with running(
        *arguments, before=("setsid",), program=SOAK, environment={"TMPDIR": str(tmp_path)}
    ) as soak:
        soak.output.wait_for(rf"of {COUNT} schedules")
        others = _session_of(soak.process.pid) - {psutil.Process(soak.process.pid)}
        stop(soak)
        code = soak.process.wait(timeout=STOPS_WITHIN_S)
        left = soak.output.wait_for(r"stopped; not run to their end: (\d+) seeds, (.+)")
        done = soak.output.wait_for(r"^(\d+) schedules, \d+ faults; wrong: none$")
        psutil.wait_procs(others, timeout=STOPS_WITHIN_S)
        stayed = _session_of(soak.process.pid)
    assert code == exit_code
    assert int(done[1]) >= 1
    assert int(done[1]) + int(left[1]) == COUNT
    assert len(_seeds(left[2])) == int(left[1])
    assert len(others) > 4
    assert not stayed
    assert not [*tmp_path.glob("edgerank-schedules-*")]


def _seeds(spans: str) -> set[int]:
    found: set[int] = set()
    for first, last in re.findall(r"(\d+)(?:-(\d+))?", spans):
        found.update(range(int(first), int(last or first) + 1))
    return found


def _session_of(pid: int) -> set[psutil.Process]:
    """What goes on in the session that the process began."""
    return {each for each in psutil.process_iter() if _is_of(each, pid)}


def _is_of(process: psutil.Process, session: int) -> bool:
    try:
        return os.getsid(process.pid) == session and process.status() != psutil.STATUS_ZOMBIE
    except (ProcessLookupError, psutil.NoSuchProcess):
        return False

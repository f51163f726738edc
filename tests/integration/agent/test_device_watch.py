"""What the device does while a child samples is seen, with a real child on the real /proc."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent.child_messages import Phase
from agent.device_watch import DeviceWatch, Usage, share_between
from agent.domain import DeviceState
from agent.kernel_files import Roots
from agent.threads import ThreadUse
from tests.unit.agent.trees import CPU, cores, plant

DEADLINE_S = 60.0
INTERVAL_S = 0.15
FAST, SLOW = "2840000", "1770000"


@pytest.fixture
def busy_child() -> Iterator[int]:
    """A process that computes on the first core that we may use."""
    core = min(os.sched_getaffinity(0))
    script = f"import os; os.sched_setaffinity(0, [{core}]); print(flush=True)\nwhile True: pass"
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process.pid
        process.kill()


@pytest.fixture
def roots(tmp_path: Path) -> Roots:
    """The real processes, with cores whose clocks a test sets."""
    clocks = cores(range(os.cpu_count() or 1), int(FAST), scaling_cur_freq=FAST)
    (tmp_path / "proc").symlink_to("/proc")
    return plant(tmp_path, clocks)


def slow_down(roots: Roots) -> None:
    for path in (roots.top / CPU).glob("cpu*/cpufreq/scaling_cur_freq"):
        path.write_text(SLOW)


class Readings:
    """The watch's clock, which counts its readings."""

    def __init__(self, enough: int, on_each: Callable[[int], None] = lambda _: None) -> None:
        self.taken = 0
        self.done = threading.Event()
        self._enough = enough
        self._on_each = on_each

    def __call__(self) -> int:
        self.taken += 1
        self._on_each(self.taken)
        # The one before is kept when the next is begun.
        if self.taken > self._enough:
            self.done.set()
        return self.taken


def watch(roots: Roots, pid: int, readings: Readings) -> tuple[DeviceState, ...]:
    with DeviceWatch(roots, readings, INTERVAL_S) as watching:
        watching.on_phase(pid, Phase.WARMING_UP)
        watching.on_phase(pid, Phase.SAMPLING)
        assert readings.done.wait(DEADLINE_S)
        watching.on_phase(pid, Phase.REPORTING)
    return watching.states


def test_a_frequency_that_drops_on_the_childs_core_is_seen(roots: Roots, busy_child: int) -> None:
    readings = Readings(12, lambda taken: slow_down(roots) if taken == 6 else None)
    states = watch(roots, busy_child, readings)
    core = min(os.sched_getaffinity(0))
    seen = [
        clock.frequency_khz
        for state in states
        for clock in state.clocks
        if clock.cpu == core and core in state.measured_cpus
    ]
    assert {int(FAST), int(SLOW)} == set(seen)
    assert [state.taken_at_unix_ms for state in states] == list(range(1, len(states) + 1))
    assert all(state.load_by_others is not None for state in states[1:])


def test_a_child_that_has_died_is_watched_to_the_end(roots: Roots) -> None:
    gone = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True
    )
    states = watch(roots, int(gone.stdout), Readings(2))
    assert states
    assert all(state.measured_cpus == () for state in states)


def test_nothing_is_read_before_sampling_or_after_it(roots: Roots, busy_child: int) -> None:
    readings = Readings(1)
    with DeviceWatch(roots, readings, INTERVAL_S) as watching:
        for phase in (Phase.IMPORTING, Phase.LOADING, Phase.FIRST_RUN, Phase.WARMING_UP):
            watching.on_phase(busy_child, phase)
    assert (watching.states, readings.taken) == ((), 0)


def usage(at_s: float, busy_s: float | None, **threads: tuple[float, int]) -> Usage:
    return Usage(
        at_ns=int(at_s * 1e9),
        busy_ns=None if busy_s is None else int(busy_s * 1e9),
        threads={
            int(name[1:]): ThreadUse(time_ns=int(time_s * 1e9), cpu=cpu)
            for name, (time_s, cpu) in threads.items()
        },
    )


def test_cores_of_threads_that_computed_most_of_the_time_are_measured() -> None:
    before = usage(0, 10, t1=(1.0, 0), t2=(1.0, 1), t3=(1.0, 2), t4=(1.0, 3))
    after = usage(2, 15, t1=(2.9, 0), t2=(1.1, 1), t3=(2.9, 5), t4=(2.0, 3))
    share = share_between(before, after)
    # The second mostly slept, and the third moved.
    assert share.measured_cpus == (0, 3)
    assert share.load_by_others == pytest.approx((5 - 1.9 - 0.1 - 1.9 - 1.0) / 2)


def test_what_the_kernel_does_not_tell_stays_unknown() -> None:
    share = share_between(usage(0, None, t1=(0, 0)), usage(1, None, t1=(1, 0)))
    assert (share.measured_cpus, share.load_by_others) == ((0,), None)
    # Too short to tell.
    assert share_between(usage(0, 1, t1=(0, 0)), usage(0.01, 1, t1=(0, 0))).measured_cpus == ()

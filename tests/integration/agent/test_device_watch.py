"""What the device does while a child samples is seen, with a real child on the real /proc."""

import itertools
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from agent.child.messages import Phase
from agent.device.kernel_files import Roots
from agent.device.threads import ThreadUse
from agent.measuring.device_watch import MAX_STATES, DeviceWatch, Usage, share_between, thinned
from protos.device import DeviceState
from tests.unit.agent.trees import CPU, cores, plant

DEADLINE_S = 200.0
INTERVAL_S = 0.15
FAST_KHZ, SLOW_KHZ = 2_840_000, 1_770_000


# Before others where that is allowed, so that a machine at work does not starve it.
BUSY = """
import contextlib, os
os.sched_setaffinity(0, [{core}])
with contextlib.suppress(PermissionError):
    os.setpriority(os.PRIO_PROCESS, 0, -10)
print(flush=True)
while True:
    pass
"""


@pytest.fixture
def busy_child() -> Iterator[int]:
    """A process that computes on the first core that we may use."""
    core = min(os.sched_getaffinity(0))
    script = BUSY.format(core=core)
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process.pid
        process.kill()


@pytest.fixture
def roots(tmp_path: Path) -> Roots:
    """The real processes, with cores whose clocks a test sets."""
    clocks = cores(range(os.cpu_count() or 1), FAST_KHZ, scaling_cur_freq=str(FAST_KHZ))
    (tmp_path / "proc").symlink_to("/proc")
    return plant(tmp_path, clocks)


def slow_down(roots: Roots) -> None:
    for path in (roots.top / CPU).glob("cpu*/cpufreq/scaling_cur_freq"):
        path.write_text(str(SLOW_KHZ))


def clocks_of_measured(states: Iterable[DeviceState], core: int) -> set[int | None]:
    return {
        clock.frequency_khz
        for state in states
        for clock in state.clocks
        if clock.cpu == core and core in state.measured_cpus
    }


def watch(
    roots: Roots, pid: int, on_reading: Callable[[tuple[DeviceState, ...]], bool]
) -> tuple[DeviceState, ...]:
    """Watch until `on_reading`, told the states so far at the beginning of each, is content."""
    content = threading.Event()
    taken = itertools.count(1)

    def now_unix_ms() -> int:
        if on_reading(watching.states):
            content.set()
        return next(taken)

    with DeviceWatch(roots, now_unix_ms, INTERVAL_S) as watching:
        watching.on_phase(pid, Phase.WARMING_UP)
        watching.on_phase(pid, Phase.SAMPLING)
        assert content.wait(DEADLINE_S)
        watching.on_phase(pid, Phase.REPORTING)
    return watching.states


def test_a_frequency_that_drops_on_the_childs_core_is_seen(roots: Roots, busy_child: int) -> None:
    core = min(os.sched_getaffinity(0))

    def slow_down_once_seen(states: tuple[DeviceState, ...]) -> bool:
        seen = clocks_of_measured(states, core)
        if FAST_KHZ in seen:
            slow_down(roots)
        return SLOW_KHZ in seen

    states = watch(roots, busy_child, slow_down_once_seen)
    assert clocks_of_measured(states, core) == {FAST_KHZ, SLOW_KHZ}
    assert [state.taken_at_unix_ms for state in states] == list(range(1, len(states) + 1))
    assert states[-1].load_by_others is not None


def test_a_child_that_has_died_is_watched_to_the_end(roots: Roots) -> None:
    command = [sys.executable, "-c", "import os; print(os.getpid())"]
    gone = subprocess.run(command, capture_output=True, check=True)
    states = watch(roots, int(gone.stdout), lambda states: len(states) >= 2)
    assert all(state.measured_cpus == () for state in states)


def test_nothing_is_read_before_sampling(roots: Roots, busy_child: int) -> None:
    with DeviceWatch(roots, lambda: 0, INTERVAL_S) as watching:
        for phase in (Phase.IMPORTING, Phase.LOADING, Phase.FIRST_RUN, Phase.WARMING_UP):
            watching.on_phase(busy_child, phase)
    assert watching.states == ()


def usage(at_s: float, busy_s: float | None, **threads: tuple[float, int]) -> Usage:
    return Usage(
        at_ns=int(at_s * 1e9),
        busy_ns=None if busy_s is None else int(busy_s * 1e9),
        threads={
            int(name[1:]): ThreadUse(time_ns=int(time_s * 1e9), cpu=cpu)
            for name, (time_s, cpu) in threads.items()
        },
    )


def test_cores_of_threads_that_computed_a_good_part_of_the_time_are_measured() -> None:
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


def test_a_long_repetition_keeps_states_evenly_from_its_beginning_to_its_end() -> None:
    states: list[DeviceState] = []
    interval_s, at_s = 1.0, 0.0
    while at_s < 3_600:
        states, interval_s = thinned([*states, DeviceState(taken_at_unix_ms=int(at_s))], interval_s)
        at_s += interval_s
        assert len(states) <= MAX_STATES
    taken = [state.taken_at_unix_ms for state in states]
    assert {later - earlier for earlier, later in itertools.pairwise(taken)} == {int(interval_s)}
    assert (taken[0], taken[-1] + interval_s) == (0, 3_616)


def test_a_sensor_that_never_answers_does_not_hold_the_agent_up(tmp_path: Path) -> None:
    roots = plant(tmp_path, cores(range(1), FAST_KHZ))
    zone = tmp_path / "sys/class/thermal/thermal_zone0"
    zone.mkdir(parents=True)
    # To open a pipe that nobody writes to blocks, as a stuck driver does.
    os.mkfifo(zone / "temp")
    with DeviceWatch(roots, lambda: 0, INTERVAL_S, patience_s=0.1) as watch:
        watch.on_phase(os.getpid(), Phase.WARMING_UP)
        watch.on_phase(os.getpid(), Phase.SAMPLING)
    assert watch.states == ()
    # Lets the thread that was left behind end.
    os.close(os.open(zone / "temp", os.O_RDWR))

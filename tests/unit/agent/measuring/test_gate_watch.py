"""A start waits at its gate: until the device is ready, its deadline has passed, or it is ended."""

import os
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from agent.device.kernel_files import Roots
from agent.measuring.gate import RESTING_MARGIN_CELSIUS
from agent.measuring.gate_watch import LOAD_LOOKS, LOAD_WINDOW_S, LOOK_INTERVAL_S, GateWatch
from agent.measuring.supervision import Cancellation, MeasuringFailed
from protos.fleet import Failure
from protos.measuring import StartGate
from protos.reasons import Reason, ReasonCode, reason
from tests.unit.agent.trees import PC, PHONE, RASPBERRY_PI, plant

PI_ZONE = "sys/class/thermal/thermal_zone0/temp"
LOW = reason(ReasonCode.BATTERY_LOW, charge_percent=83, least_percent=90)
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


class Clock:
    """Time that passes only while it is waited, when something happens after each wait."""

    def __init__(self, after_each: Callable[[float], None] = lambda _: None) -> None:
        self.now_s = 100.0
        self.waits_s: list[float] = []
        self._after_each = after_each

    def __call__(self) -> float:
        return self.now_s

    def wait(self, cancellation: Cancellation, seconds: float) -> None:
        self.now_s += seconds
        self.waits_s.append(seconds)
        self._after_each(seconds)
        cancellation.raise_if_cancelled()


def watch_of(roots: Roots, clock: Clock, patience_s: float = 10.0) -> GateWatch:
    return GateWatch(roots=roots, monotonic_s=clock, wait=clock.wait, patience_s=patience_s)


def told_by(watch: GateWatch, gate: StartGate) -> list[Reason | None]:
    """What was told until the gate opened."""
    told: list[Reason | None] = []
    assert watch.await_open(gate, Cancellation(), told.append) is None
    return told


def failure_at(watch: GateWatch, gate: StartGate) -> Failure:
    with pytest.raises(MeasuringFailed) as caught:
        told_by(watch, gate)
    assert caught.value.failure.code is ReasonCode.NOT_READY
    return caught.value.failure


def temperatures(root: Path, millidegrees: Iterable[int]) -> Callable[[float], None]:
    """A board that has each of these after one more wait."""
    coming = iter(millidegrees)

    def change(_: float) -> None:
        (root / PI_ZONE).write_text(f"{next(coming)}\n")

    return change


def test_it_opens_once_the_processor_has_cooled_down(tmp_path: Path) -> None:
    roots = plant(tmp_path, RASPBERRY_PI)
    watch = watch_of(roots, Clock())
    watch.look()
    (tmp_path / PI_ZONE).write_text("71000\n")
    clock = Clock(temperatures(tmp_path, [64_000, 64_000, 44_000]))
    watch.monotonic_s, watch.wait = clock, clock.wait
    told = told_by(watch, StartGate(max_celsius=45, deadline_ms=60_000))
    # It was seen at 48.686 degrees, and so need not be cooler than a little more.
    limit = 48.686 + RESTING_MARGIN_CELSIUS
    assert told == [
        reason(ReasonCode.PROCESSOR_ABOVE_REST, celsius=71, limit_celsius=limit),
        reason(ReasonCode.PROCESSOR_ABOVE_REST, celsius=64, limit_celsius=limit),
        None,
    ]
    assert clock.waits_s == [LOOK_INTERVAL_S] * 3


def test_a_gate_that_is_open_is_passed_at_once_and_nobody_is_told(tmp_path: Path) -> None:
    for name, tree in (("pi", RASPBERRY_PI), ("phone", PHONE), ("pc", PC)):
        clock = Clock()
        watch = watch_of(plant(tmp_path / name, tree), clock)
        assert told_by(watch, StartGate(max_celsius=60, min_battery_percent=50)) == []
        assert clock.waits_s == []


def test_after_the_deadline_it_says_what_was_in_the_way_and_how_long(tmp_path: Path) -> None:
    clock = Clock()
    watch = watch_of(plant(tmp_path, PHONE), clock)
    gate = StartGate(min_battery_percent=90, deadline_ms=2_500, is_strict=True)
    failure = failure_at(watch, gate)
    assert failure.reasons == (reason(ReasonCode.NOT_READY, deadline_ms=2_500), LOW)
    assert clock.waits_s == [LOOK_INTERVAL_S, LOOK_INTERVAL_S, 0.5]


def test_a_gate_that_is_not_strict_lets_it_start_then_and_says_what_was_in_the_way(
    tmp_path: Path,
) -> None:
    clock, told = Clock(), list[Reason | None]()
    gate = StartGate(min_battery_percent=90, deadline_ms=2_500)
    watch = watch_of(plant(tmp_path, PHONE), clock)
    assert watch.await_open(gate, Cancellation(), told.append) == LOW
    assert told == [LOW, None]
    assert clock.waits_s == [LOOK_INTERVAL_S, LOOK_INTERVAL_S, 0.5]


def test_without_time_to_wait_it_looks_once(tmp_path: Path) -> None:
    clock, told = Clock(), list[Reason | None]()
    watch = watch_of(plant(tmp_path, PHONE), clock)
    failure = failure_at(watch, StartGate(min_battery_percent=90, is_strict=True))
    assert failure.reasons[0] == reason(ReasonCode.NOT_READY, deadline_ms=0)
    assert watch.await_open(StartGate(min_battery_percent=90), Cancellation(), told.append) == LOW
    assert (clock.waits_s, told) == ([], [])


LOAD_LOOK_S = LOAD_WINDOW_S / LOAD_LOOKS


def stat(busy_ticks: float, ready: int = 1) -> str:
    total = f"cpu  {round(busy_ticks)} 0 0 5000 0 0 0 0 0 0\ncpu0 0 0 0 0 0 0 0 0 0 0\n"
    return f"{total}procs_running {ready}\nprocs_blocked 0\n"


def test_load_by_others_is_what_everybody_took_in_a_short_while(tmp_path: Path) -> None:
    roots = plant(tmp_path, {"proc/stat": stat(0)})
    busy, cores = 0.0, iter([1.5] * 2 * LOAD_LOOKS + [0.25] * LOAD_LOOKS)

    def compute(seconds: float) -> None:
        # Of the waits between two looks nothing is read.
        nonlocal busy
        if seconds == LOAD_LOOK_S:
            busy += next(cores) * seconds * TICKS_PER_SECOND
            (tmp_path / "proc/stat").write_text(stat(busy))

    told = told_by(
        watch_of(roots, Clock(compute)), StartGate(max_load_by_others=0.5, deadline_ms=60_000)
    )
    taken, over = told
    assert taken is not None
    assert taken.code is ReasonCode.CORES_TAKEN
    assert taken.figures == {"load_by_others": pytest.approx(1.5), "most": 0.5}
    assert over is None


class Beside:
    """A child of ours that starts, and others that compute: cores' time, and who is ready."""

    def __init__(self, root: Path, *, all_take: float, child: float, waits: float, ready: int):
        self._root = root
        self._all_take, self._child, self._waits, self._ready = all_take, child, waits, ready
        self._passed_s = 0.0
        self.roots = plant(root, {"proc/7/task/7/stat": "7 (python) R 1 7"})
        self(0.0)

    def __call__(self, seconds: float) -> None:
        self._passed_s += seconds
        busy = self._all_take * self._passed_s * TICKS_PER_SECOND
        (self._root / "proc/stat").write_text(stat(busy, self._ready))
        ran_ns, waited_ns = (
            round(share * self._passed_s * 1e9) for share in (self._child, self._waits)
        )
        (self._root / "proc/7/task/7/schedstat").write_text(f"{ran_ns} {waited_ns} 9\n")

    def load_by_others(self) -> float:
        gate = StartGate(max_load_by_others=0.01)
        watch = watch_of(self.roots, Clock(self))
        met = watch.await_open(gate, Cancellation(), lambda _: None, child_pid=7)
        return 0.0 if met is None else met.figures["load_by_others"]


def test_a_child_of_ours_that_starts_is_no_other(tmp_path: Path) -> None:
    # The agent's own thread, which looks, is ready as well.
    beside = Beside(tmp_path, all_take=1.25, child=1.0, waits=0.0, ready=2)
    assert beside.load_by_others() == pytest.approx(0.25)


def test_what_a_child_that_starts_waits_for_a_core_is_of_others(tmp_path: Path) -> None:
    # The only core, in equal parts: without the child the other would have all of it.
    beside = Beside(tmp_path, all_take=1.0, child=0.5, waits=0.5, ready=3)
    assert beside.load_by_others() == pytest.approx(1.0)


def test_others_that_a_child_takes_a_core_from_count_by_their_number(tmp_path: Path) -> None:
    # Two of them share the second core while the child has one for itself, as it may where the
    # kernel divides the time between sessions.
    beside = Beside(tmp_path, all_take=2.0, child=1.0, waits=0.0, ready=4)
    assert beside.load_by_others() == pytest.approx(2.0)


@pytest.mark.parametrize("tree", [{}, {"proc/stat": "cpu many\n"}, PHONE], ids=str)
def test_a_device_that_tells_nothing_of_load_is_not_waited_for(
    tmp_path: Path, tree: dict[str, str]
) -> None:
    clock = Clock()
    assert told_by(watch_of(plant(tmp_path, tree), clock), StartGate(max_load_by_others=0.01)) == []
    assert clock.waits_s == []


def test_a_cancelled_wait_ends_at_once(tmp_path: Path) -> None:
    cancellation = Cancellation()
    # The real wait: an hour of it would be noticed.
    watch = GateWatch(roots=plant(tmp_path, PHONE))
    gate = StartGate(min_battery_percent=90, deadline_ms=3_600_000)
    with pytest.raises(MeasuringFailed) as caught:
        watch.await_open(gate, cancellation, lambda _: cancellation.cancel())
    assert caught.value.failure.code is ReasonCode.ATTEMPT_CANCELLED


def test_a_sensor_that_never_answers_holds_no_start_up(tmp_path: Path) -> None:
    roots = plant(tmp_path, PHONE)
    zone = tmp_path / "sys/class/thermal/thermal_zone0/temp"
    zone.unlink()
    # To open a pipe that nobody writes to blocks, as a stuck driver does.
    os.mkfifo(zone)
    watch = watch_of(roots, Clock(), patience_s=0.05)
    gate = StartGate(max_celsius=1, min_battery_percent=100)
    # Once it has kept us waiting, the next start does not wait for it again.
    assert told_by(watch, gate) == told_by(watch, gate) == []
    # Lets the thread that was left behind end.
    os.close(os.open(zone, os.O_RDWR))

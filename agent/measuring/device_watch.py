"""Watches the device while a child samples: a thread that reads its state about once a second."""

import os
import re
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType

from agent.child.messages import Phase
from agent.device.kernel_files import Roots, read_text
from agent.device.state import read_device_state
from agent.device.threads import ThreadUse, use_by_thread
from protos.device import DeviceState

INTERVAL_S = 1.0
# A sensor's driver may never answer; the agent must, and leaves such a thread behind.
PATIENCE_S = 10.0
# Half a percent of one core, however slow the device's sensors are to read.
_WAIT_PER_CPU_TIME = 200
# As many of the largest phones take about 0.5 MB of a report.
MAX_STATES = 120
# Shorter spans are lost between two of the kernel's ticks, of mostly 10 ms.
_SHORTEST_NS = 100_000_000
# A child that others disturb computes on a core for a part of the time only; the clock of such a
# core is still that of a busy one.
_MEASURED_SHARE = 0.25
_NS_PER_SECOND = 1_000_000_000


@dataclass(frozen=True, kw_only=True)
class Usage:
    """Who has used the CPU until a moment; None where the kernel does not tell."""

    at_ns: int
    busy_ns: int | None
    threads: Mapping[int, ThreadUse]


@dataclass(frozen=True, kw_only=True)
class Share:
    """Who used the CPU between two moments; see `DeviceState`."""

    measured_cpus: tuple[int, ...] = ()
    load_by_others: float | None = None


def share_between(before: Usage, after: Usage) -> Share:
    """Which cores the child computed on for a quarter of the time, and how much others computed."""
    span_ns = after.at_ns - before.at_ns
    if span_ns < _SHORTEST_NS:
        return Share()
    spent = {
        thread: use.time_ns - (before.threads[thread].time_ns if thread in before.threads else 0)
        for thread, use in after.threads.items()
    }
    measured = {
        after.threads[thread].cpu
        for thread, time_ns in spent.items()
        if time_ns >= _MEASURED_SHARE * span_ns and thread in before.threads
        # A thread that moved was on neither core all the time.
        if after.threads[thread].cpu == before.threads[thread].cpu
    }
    load = None
    if before.busy_ns is not None and after.busy_ns is not None and after.threads:
        load = max(0.0, (after.busy_ns - before.busy_ns - sum(spent.values())) / span_ns)
    return Share(
        measured_cpus=tuple(sorted(cpu for cpu in measured if cpu is not None)),
        load_by_others=load,
    )


def thinned(states: list[DeviceState], interval_s: float) -> tuple[list[DeviceState], float]:
    """Every second state, to be followed half as often, once there are more than are kept."""
    if len(states) <= MAX_STATES:
        return states, interval_s
    return states[::2], interval_s * 2


class DeviceWatch:
    """Keeps the device's states from the beginning of a child's sampling to its end.

    To be told of the child's phases; leaving it as a context manager ends the watching. The thread
    keeps off the cores that the child computes on where there is another one.
    """

    def __init__(
        self,
        roots: Roots,
        now_unix_ms: Callable[[], int],
        interval_s: float = INTERVAL_S,
        patience_s: float = PATIENCE_S,
    ) -> None:
        """Watch below these roots, by this clock, this often; wait that long for the last state."""
        self._roots = roots
        self._now_unix_ms = now_unix_ms
        self._interval_s = interval_s
        self._patience_s = patience_s
        self._ended = threading.Event()
        self._states: list[DeviceState] = []
        self._thread: threading.Thread | None = None
        self._process = Path()
        self._usage = Usage(at_ns=0, busy_ns=None, threads={})

    @property
    def states(self) -> tuple[DeviceState, ...]:
        """Those that were read, in order."""
        return tuple(self._states)

    def on_phase(self, pid: int, phase: Phase) -> None:
        """A child has begun a phase."""
        if phase is Phase.WARMING_UP:
            self._process = self._roots.process(pid)
            self._usage = self._read_usage()
        elif phase is Phase.SAMPLING:
            self._thread = threading.Thread(target=self._watch, daemon=True)
            self._thread.start()
        elif phase is Phase.REPORTING:
            self._ended.set()

    def __enter__(self) -> "DeviceWatch":
        """Watch what `on_phase` tells of."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the watching."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join(self._patience_s)

    def _watch(self) -> None:
        interval_s = self._interval_s
        while not self._ended.is_set():
            begin_s = time.thread_time()
            state = self._read_state()
            # One that was not read to its end while the child sampled tells of something else.
            if self._ended.is_set():
                return
            self._states.append(state)
            self._states, interval_s = thinned(self._states, interval_s)
            cost_s = time.thread_time() - begin_s
            self._ended.wait(max(interval_s, cost_s * _WAIT_PER_CPU_TIME))

    def _read_state(self) -> DeviceState:
        usage = self._read_usage()
        share = share_between(self._usage, usage)
        if usage.at_ns - self._usage.at_ns >= _SHORTEST_NS:
            self._usage = usage
        if self._roots.own:
            _keep_off(share.measured_cpus)
        return replace(
            read_device_state(self._roots, self._now_unix_ms),
            measured_cpus=share.measured_cpus,
            load_by_others=share.load_by_others,
        )

    def _read_usage(self) -> Usage:
        self._roots.refresh()
        return Usage(
            at_ns=time.monotonic_ns(),
            busy_ns=busy_ns(self._roots.proc),
            threads=use_by_thread(self._process),
        )


def _keep_off(cpus: tuple[int, ...]) -> None:
    """Move the calling thread to cores other than these, where it may use one."""
    # Cores may be taken away between the two calls, and a sandbox may forbid the second.
    with suppress(OSError):
        others = os.sched_getaffinity(os.getpid()) - set(cpus)
        if others:
            os.sched_setaffinity(0, others)


def busy_ns(proc_root: Path) -> int | None:
    """CPU time of everybody on all cores, what a hypervisor took away included."""
    # cpu user nice system idle iowait irq softirq steal; a guest's time is in user's.
    told = re.match("cpu" + 8 * " +([0-9]{1,18})", read_text(proc_root / "stat") or "")
    if told is None:
        return None
    user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, told.groups())
    ticks = user + nice + system + irq + softirq + steal
    return ticks * _NS_PER_SECOND // os.sysconf("SC_CLK_TCK")

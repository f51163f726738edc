"""Which threads of a process computed or waited, by the times that the kernel credits to each."""

import os
import re
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from agent.device.kernel_files import read_text

# A thread that worked along has a fair part of the busiest one's time; one that only woke up now
# and then (a timer, a log) has far less.
_BUSY_SHARE = 0.1
_NS_PER_SECOND = 1_000_000_000
_SHORTEST_S = 1e-6
# Of a thread in `stat`: it runs, or would.
_RUNNABLE = "R"


@dataclass(frozen=True, kw_only=True)
class ThreadWork:
    """What the threads of a process did for a while; see `busy_threads` and `waiting_share`."""

    busy_threads: int
    waiting_share: float | None


class ThreadMeter:
    """Watches the threads of the process whose /proc folder is given, from now until `stop`."""

    def __init__(self, process: Path, clock_ns: Callable[[], int]) -> None:
        self._process = process
        self._clock_ns = clock_ns
        self._cpu_time_ns = cpu_time_ns_by_thread(process)
        self._waiting_ns = waiting_ns_by_thread(process)
        self._begin_ns = clock_ns()

    def stop(self) -> ThreadWork:
        """What they did since."""
        span_ns = self._clock_ns() - self._begin_ns
        # Before CPU times, for which this thread gives its core away and may wait.
        waiting_ns = waiting_ns_by_thread(self._process)
        cpu_time_ns = cpu_time_ns_by_thread(self._process)
        return ThreadWork(
            busy_threads=busy_threads(self._cpu_time_ns, cpu_time_ns),
            waiting_share=waiting_share(self._waiting_ns, waiting_ns, span_ns),
        )


def cpu_time_ns_by_thread(process: Path) -> dict[int, int]:
    """CPU time of each thread of the process whose /proc folder is given.

    From `schedstat`, which counts nanoseconds, or, on kernels without it, from `stat`, which
    counts clock ticks of mostly 10 ms.
    """
    # The kernel credits a running thread's time when it is taken off the CPU: this one's, now.
    time.sleep(_SHORTEST_S)
    times = {}
    for task in (process / "task").iterdir():
        time_ns = _time_ns(task)
        if time_ns is not None:
            times[int(task.name)] = time_ns
    return times


def cores_of_threads(process: Path) -> tuple[int, ...]:
    """The cores that any thread of the process may run on, ascending."""
    cores: set[int] = set()
    for task in (process / "task").iterdir():
        # A thread may end meanwhile.
        with suppress(ProcessLookupError):
            cores |= os.sched_getaffinity(int(task.name))
    return tuple(sorted(cores))


def waiting_ns_by_thread(process: Path) -> dict[int, int]:
    """For how long each thread was ready to run but had no core; empty on kernels without it."""
    times = {}
    for task in (process / "task").iterdir():
        # CPU time, time that it waited, and how often it ran.
        told = (read_text(task / "schedstat") or "").split()
        if len(told) == 3 and told[1].isdecimal():
            times[int(task.name)] = int(told[1])
    return times


def waiting_share(
    before: Mapping[int, int], after: Mapping[int, int], span_ns: int
) -> float | None:
    """How much of the time between two readings the thread that waited longest did so, 0 to 1."""
    waited = [time_ns - before[thread] for thread, time_ns in after.items() if thread in before]
    if not waited or span_ns <= 0:
        return None
    return min(1.0, max(0.0, max(waited) / span_ns))


@dataclass(frozen=True, kw_only=True)
class ThreadUse:
    """CPU time of a thread, and the core that it was on last; None where the kernel hides it."""

    time_ns: int
    cpu: int | None


def use_by_thread(process: Path) -> dict[int, ThreadUse]:
    """What each thread of another process has used; empty when the process has ended."""
    try:
        times = cpu_time_ns_by_thread(process)
    except OSError:
        return {}
    return {
        thread: ThreadUse(time_ns=time_ns, cpu=_last_cpu(process / "task" / str(thread)))
        for thread, time_ns in times.items()
    }


def ready_by_others(proc_root: Path, process_id: int | None) -> int:
    """How many threads run or are ready to, now: neither this one nor those of a process of ours.

    0 where the kernel does not tell, or the process has just ended.
    """
    told = re.search(r"^procs_running (\d{1,9})$", read_text(proc_root / "stat") or "", re.M)
    ours = 1 + (0 if process_id is None else _count_ready(proc_root / str(process_id)))
    return max(0, int(told[1]) - ours) if told else 0


def busy_threads(before: Mapping[int, int], after: Mapping[int, int]) -> int:
    """How many threads had at least a tenth of the busiest one's time between two readings."""
    spent = [time_ns - before.get(thread, 0) for thread, time_ns in after.items()]
    busiest = max(spent, default=0)
    return sum(time_ns > 0 and time_ns >= _BUSY_SHARE * busiest for time_ns in spent)


def _count_ready(process: Path) -> int:
    try:
        states = [_fields_behind_name(task)[:1] for task in (process / "task").iterdir()]
    except OSError:
        return 0
    return states.count([_RUNNABLE])


def _fields_behind_name(task: Path) -> list[str]:
    """The third field of `stat` and those behind: the name before, in parentheses, has blanks."""
    return (read_text(task / "stat") or "").rpartition(")")[2].split()


def _time_ns(task: Path) -> int | None:
    """The CPU time of one thread; None when it has ended meanwhile."""
    try:
        return int((task / "schedstat").read_text().split()[0])
    except (OSError, IndexError, ValueError):
        pass
    try:
        # The name, in parentheses, may hold blanks; user and system time are fields 14 and 15.
        fields = (task / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    ticks = int(fields[11]) + int(fields[12])
    return ticks * _NS_PER_SECOND // os.sysconf("SC_CLK_TCK")


def _last_cpu(task: Path) -> int | None:
    # The core is field 39.
    fields = _fields_behind_name(task)
    return int(fields[36]) if len(fields) > 36 and fields[36].isdecimal() else None

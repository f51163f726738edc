"""Waits at a start gate: looks about once a second whether the device is ready."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from statistics import median_low

from agent.device.kernel_files import Roots
from agent.device.state import read_device_state
from agent.device.temperatures import processor_celsius
from agent.device.threads import cpu_time_ns_by_thread, ready_by_others, waiting_ns_by_thread
from agent.measuring.device_watch import PATIENCE_S, busy_ns
from agent.measuring.gate import obstacle
from agent.measuring.supervision import Cancellation, MeasuringFailed
from protos.device import DeviceState
from protos.fleet import Failure
from protos.log_lines import event_log
from protos.measuring import StartGate
from protos.reasons import Reason, ReasonCode, reason

log = event_log(__name__)

LOOK_INTERVAL_S = 1.0
# Long enough for the kernel's ticks of mostly 10 ms, short enough to be spent before each start.
LOAD_WINDOW_S = 0.2
# In it, who is ready to run is counted so often; of a single count chance decides.
LOAD_LOOKS = 8
_NS_PER_SECOND = 1_000_000_000

# Told what a start waits for whenever that changes, and None when the wait is over.
OnWaiting = Callable[[Reason | None], None]


@dataclass(kw_only=True)
class GateWatch:
    """Lets a repetition start once the device is ready; remembers how cool the processor can be.

    Attributes:
        roots: where the kernel's files are.
        monotonic_s: a clock that never goes back.
        wait: spends seconds, unless cancelled.
        load_window_s: how long to look at who takes the processor.
        patience_s: how long the sensors may take; a driver may never answer, but the agent must.
    """

    roots: Roots = field(default_factory=Roots)
    monotonic_s: Callable[[], float] = time.monotonic
    wait: Callable[[Cancellation, float], None] = Cancellation.wait
    load_window_s: float = LOAD_WINDOW_S
    patience_s: float = PATIENCE_S
    _coolest_celsius: float | None = None
    _reader: threading.Thread | None = None

    def look(self) -> DeviceState:
        """The device's state now; that of an agent's start tells where it is at rest."""
        state = self._read_state()
        celsius = processor_celsius(state.temperatures)
        if celsius is not None and (
            self._coolest_celsius is None or celsius < self._coolest_celsius
        ):
            self._coolest_celsius = celsius
        return state

    def await_open(
        self,
        gate: StartGate,
        cancellation: Cancellation,
        on_waiting: OnWaiting,
        child_pid: int | None = None,
    ) -> Reason | None:
        """Block until the device is as the gate wants it, or the gate's deadline has passed.

        Args:
            gate: what is wanted, and for how long to wait.
            cancellation: ends the wait early.
            on_waiting: told what is waited for.
            child_pid: a process of ours that starts meanwhile, which is no other.

        Returns:
            What is still in the way after the deadline; None when the device is ready.

        Raises:
            MeasuringFailed: NOT_READY after the deadline of a strict gate, or ATTEMPT_CANCELLED.
        """
        deadline_s = self.monotonic_s() + gate.deadline_ms / 1_000
        told: Reason | None = None
        while (met := self._obstacle(gate, cancellation, child_pid)) is not None:
            left_s = deadline_s - self.monotonic_s()
            if left_s <= 0 and gate.is_strict:
                raise _not_ready(met, gate)
            if left_s <= 0:
                log.info("starting all the same", waited_for=met)
                break
            if told is None:
                log.info("waiting to start", waited_for=met)
            if met != told:
                on_waiting(met)
            told = met
            self.wait(cancellation, min(LOOK_INTERVAL_S, left_s))
        if told:
            on_waiting(None)
        return met

    def _obstacle(
        self, gate: StartGate, cancellation: Cancellation, child_pid: int | None
    ) -> Reason | None:
        state, load = DeviceState(taken_at_unix_ms=0), None
        if gate.max_celsius is not None or gate.min_battery_percent is not None:
            state = self.look()
        if gate.max_load_by_others is not None:
            load = self._load_by_others(cancellation, child_pid)
        return obstacle(state, load, gate, self._coolest_celsius)

    def _load_by_others(self, cancellation: Cancellation, child_pid: int | None) -> float | None:
        """How many cores' time others take while nothing of ours runs but a child that starts.

        Where that child takes cores that others would have, these take less and are ready to run
        all the same, mostly; then their number tells.
        """
        before_ns, begin_s = self._taken_by_others_ns(child_pid), self.monotonic_s()
        if before_ns is None:
            return None
        ready: list[int] = []
        for _ in range(LOAD_LOOKS):
            self.wait(cancellation, self.load_window_s / LOAD_LOOKS)
            ready.append(ready_by_others(self.roots.proc, child_pid))
        after_ns, span_s = self._taken_by_others_ns(child_pid), self.monotonic_s() - begin_s
        if after_ns is None:
            return None
        return max(median_low(ready), (after_ns - before_ns) / _NS_PER_SECOND / span_s)

    def _taken_by_others_ns(self, child_pid: int | None) -> int | None:
        """CPU time of everybody but the child; None where the kernel does not tell.

        What the child waited for a core counts, too: others had it, and would go on having it.
        """
        self.roots.refresh()
        busy = busy_ns(self.roots.proc)
        if busy is None or child_pid is None:
            return busy
        child = self.roots.process(child_pid)
        try:
            waited_ns = sum(waiting_ns_by_thread(child).values())
            return busy + waited_ns - sum(cpu_time_ns_by_thread(child).values())
        except OSError:
            # It has ended, which whoever asks it will hear.
            return busy

    def _read_state(self) -> DeviceState:
        """What the kernel tells; nothing where a sensor keeps us waiting, now or since before."""
        answers: SimpleQueue[DeviceState] = SimpleQueue()
        if self._reader is None or not self._reader.is_alive():
            self._reader = threading.Thread(target=lambda: answers.put(self._read()), daemon=True)
            self._reader.start()
            try:
                answer = answers.get(timeout=self.patience_s)
                # It has answered, though it may not have ended yet.
                self._reader = None
                return answer
            except Empty:
                log.warning("a sensor hangs; starts wait neither for temperature nor charge")
        return DeviceState(taken_at_unix_ms=0)

    def _read(self) -> DeviceState:
        self.roots.refresh()
        # The time of a reading at a gate is of no interest.
        return read_device_state(self.roots, lambda: 0)


def _not_ready(met: Reason, gate: StartGate) -> MeasuringFailed:
    waited = reason(ReasonCode.NOT_READY, deadline_ms=gate.deadline_ms)
    return MeasuringFailed.of(Failure(reasons=(waited, met)))

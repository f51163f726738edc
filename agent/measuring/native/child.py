"""Asks the native runner as any other measuring child."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from pathlib import Path

from agent.child.messages import ChildRequest, Given, Phase, Profiling, RunsProfiled, Sampled
from agent.clock import now_unix_ms
from agent.device.kernel_files import Roots
from agent.device.state import read_device_state
from agent.measuring.folders import folder_for
from agent.measuring.native.given import write_given
from agent.measuring.native.state import laid_under
from agent.measuring.native.traces import keep_trace
from agent.measuring.supervision import (
    Cancellation,
    ChildAnswer,
    MeasuringFailed,
    OnPhase,
    RequestFor,
    ask_child,
)
from protos.device import DeviceState
from protos.reasons import ReasonCode


@dataclass(frozen=True, kw_only=True)
class NativeChild:
    """A child that is the native runner with the library of one runtime.

    Attributes:
        runner: the program.
        library: of the runtime.
        roots: where the kernel's files are.
        now_unix_ms: the device's clock.
    """

    runner: Path
    library: Path
    roots: Roots = field(default_factory=Roots)
    now_unix_ms: Callable[[], int] = now_unix_ms

    def ask(
        self,
        request_for: RequestFor,
        *,
        limit_s: float,
        cancellation: Cancellation,
        proc_root: Path,
        on_phase: OnPhase = lambda _pid, _phase: None,
        inherited: Collection[int] = (),
    ) -> ChildAnswer:
        """Start it, ask it, and wait for its answer; as `agent.measuring.supervision.ask_child`."""
        states: dict[str, DeviceState] = {}
        profiling: Profiling | None = None

        def request_with_inputs(pid: int) -> ChildRequest:
            nonlocal profiling
            request = request_for(pid)
            profiling = request.profiling
            return replace(request, given=_given(Path(folder), request))

        def read_around(pid: int, phase: Phase) -> None:
            # Where the runner reads its own: energy is of the time between.
            if phase is Phase.FIRST_RUN:
                states["before"] = self._read_state()
            on_phase(pid, phase)
            if phase is Phase.REPORTING:
                states["after"] = self._read_state()

        with folder_for("a network's inputs") as folder:
            answer = ask_child(
                request_with_inputs,
                command=(str(self.runner), "run", str(self.library)),
                limit_s=limit_s,
                cancellation=cancellation,
                proc_root=proc_root,
                on_phase=read_around,
                inherited=inherited,
            )
        if isinstance(answer, RunsProfiled) and profiling is not None:
            keep_trace(profiling)
        return _completed(answer, states) if isinstance(answer, Sampled) else answer

    def _read_state(self) -> DeviceState:
        return read_device_state(self.roots, self.now_unix_ms)


def _completed(sampled: Sampled, read: dict[str, DeviceState]) -> Sampled:
    return replace(
        sampled,
        before=laid_under(sampled.before, read.get("before", sampled.before)),
        after=laid_under(sampled.after, read.get("after", sampled.after)),
    )


def _given(folder: Path, request: ChildRequest) -> Given:
    sampling = request.sampling
    reference = None if sampling is None else sampling.reference_path
    try:
        return write_given(
            folder,
            request.takes,
            request.input_seed,
            None if reference is None else Path(reference),
        )
    except OSError as error:
        raise MeasuringFailed(
            ReasonCode.RUNTIME_ERROR,
            f"the network's inputs cannot be written for the native runner: {error}; make room, "
            "or set TMPDIR to where there is",
        ) from error

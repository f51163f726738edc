"""An agent of a schedule: all of a real one but the measuring, which draws numbers instead.

Line, session, spool, cache and connection are the agent's own, in a process of its own.
"""

import asyncio
import hashlib
import os
import random
import signal
from contextlib import suppress
from dataclasses import dataclass
from enum import IntEnum
from multiprocessing.connection import Connection as Pipe
from pathlib import Path

from agent.artifacts.cache import ArtifactCache
from agent.clock import now_unix_ms
from agent.errors import AgentError
from agent.link.connection import Connection, Introduction
from agent.link.dialling import ControllerRefused, ControllerUnreachable
from agent.link.identity import load_identity
from agent.link.joining import JoinRefused, NobodyToJoin, become_member
from agent.link.kept.spool import Spool
from agent.link.line import Line
from agent.measuring.gate_watch import OnWaiting
from agent.measuring.measurer import Measurer
from agent.measuring.supervision import Cancellation, MeasuringFailed
from agent.state_folder import locked_state_folder
from protos.device import DeviceProfile
from protos.fleet import Measured
from protos.joining import JoinToken
from protos.log_lines import LogFormat, log_to_stderr
from protos.measuring import MeasureSettings
from protos.reasons import ReasonCode, reason
from protos.runtimes import Runtime, RuntimeInfo
from tests.faults.schedules import Stage
from tests.faults.telling import Teller, Told
from tests.measured import repetition_of

RUNTIME = RuntimeInfo(runtime=Runtime.ONNXRUNTIME, version="1.23.2")
PROFILE = DeviceProfile(
    architecture="x86_64", runtimes=(RUNTIME,), logical_cores=4, hostname="simulated"
)
_CONNECT_TIMEOUT_S = 20.0
_SAMPLES = 12
_CACHE_BYTES = 10**9


class ExitCode(IntEnum):
    """How the process ends."""

    STOPPED = 0
    BROKEN = 4
    REFUSED = 12
    NOBODY_THERE = 13


@dataclass(frozen=True, kw_only=True)
class AgentPlan:
    """Who an agent is, and where it finds its controller.

    Attributes:
        name: of its device, which is also its id.
        folder: its state.
        address: HOST:PORT where its controller answers.
        token: to join by; None where there is no TLS.
        clock_ms: what is added to its clock, ms.
        seed: of what it measures.
    """

    name: str
    folder: Path
    address: str
    token: JoinToken | None
    clock_ms: int
    seed: int


@dataclass
class SetClock:
    """The device's clock, which may be years off."""

    added_ms: int

    def now_unix_ms(self) -> int:
        """Milliseconds since 1970, as the device believes."""
        return now_unix_ms() + self.added_ms

    def set(self, added_ms: int) -> None:
        """Be so much off from now on."""
        self.added_ms = added_ms


class ToldSpool(Spool):
    """The agent's spool, which tells what comes and goes."""

    def __init__(self, path: Path, teller: Teller) -> None:
        super().__init__(path)
        self._teller = teller

    def put(self, attempt_id: str, report: bytes) -> None:
        self._teller.tell(Told(stage=Stage.REPORTING, attempt_id=attempt_id, report=report))
        super().put(attempt_id, report)
        self._teller.tell(Told(stage=Stage.KEPT, attempt_id=attempt_id))

    def forget(self, attempt_id: str) -> None:
        if self._teller.tell(Told(stage=Stage.COMMITTED, attempt_id=attempt_id)).forgets:
            super().forget(attempt_id)


@dataclass(kw_only=True)
class FakeMeasurer(Measurer):
    """Draws latencies where a real one starts a child; what it is given has to be whole."""

    teller: Teller
    rng: random.Random

    def check(self, settings: MeasureSettings) -> RuntimeInfo:
        runtime = super().check(settings)
        self.teller.tell(Told(stage=Stage.FETCHING))
        return runtime

    def measure(
        self,
        artifact: Path,
        settings: MeasureSettings,  # noqa: ARG002 - the real one's
        cancellation: Cancellation,
        on_waiting: OnWaiting = lambda _: None,
        *,
        process_spread: float = 0.0,  # noqa: ARG002
        reference: Path | None = None,  # noqa: ARG002
    ) -> Measured:
        # What it is given leads through a descriptor to the file in the cache.
        if hashlib.sha256(artifact.read_bytes()).hexdigest() != artifact.resolve().name:
            raise MeasuringFailed(ReasonCode.OUT_OF_MEMORY, "an artifact with other bytes")
        on_waiting(reason(ReasonCode.CORES_TAKEN, load_by_others=2.0, most=1.0))
        self.teller.tell(Told(stage=Stage.WAITING))
        cancellation.raise_if_cancelled()
        on_waiting(None)
        crashes = self.teller.tell(Told(stage=Stage.MEASURING)).crashes
        cancellation.raise_if_cancelled()
        if crashes:
            raise MeasuringFailed(ReasonCode.CRASHED, "the child died of SIGSEGV")
        typical_ns = 5e6 * self.rng.lognormvariate(0, 0.02)
        samples = (round(typical_ns * self.rng.lognormvariate(0, 0.01)) for _ in range(_SAMPLES))
        return Measured(runtime=RUNTIME, repetition=repetition_of(tuple(samples)), affinity=(0,))


def run_agent(pipe: Pipe, plan: AgentPlan, log: Path) -> None:
    """Be the agent until it is ended; its log is a file."""
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for standard in (1, 2):
        os.dup2(descriptor, standard)
    log_to_stderr(LogFormat.TEXT)
    try:
        asyncio.run(_serve(pipe, plan))
    except (ControllerRefused, JoinRefused) as error:
        _end(error, ExitCode.REFUSED)
    except (ControllerUnreachable, NobodyToJoin) as error:
        _end(error, ExitCode.NOBODY_THERE)
    except AgentError as error:
        _end(error, ExitCode.BROKEN)


def _end(error: AgentError, code: ExitCode) -> None:
    # A disk that is full takes no last words.
    with suppress(OSError):
        os.write(2, f"{type(error).__name__}: {error}\n".encode())
    raise SystemExit(code)


async def _serve(pipe: Pipe, plan: AgentPlan) -> None:
    clock = SetClock(plan.clock_ms)
    teller = Teller(pipe, clock.set)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    with locked_state_folder(plan.folder) as folder:
        identity = load_identity(folder)
        if plan.token is not None:
            identity = await become_member(plan.token, identity, folder)
        addresses = (plan.address,) if identity is None else identity.addresses
        spool = ToldSpool(folder / "spool.sqlite", teller)
        connection = Connection(
            line=Line(addresses, identity, folder, clock.now_unix_ms),
            introduction=Introduction(
                device_id=plan.name, name=plan.name, labels={}, profile=PROFILE
            ),
            measurer=FakeMeasurer(
                runtimes=(RUNTIME,), teller=teller, rng=random.Random(f"{plan.seed} {os.getpid()}")
            ),
            cache=ArtifactCache(folder / "artifacts", _CACHE_BYTES),
            spool=spool,
            kept=[folder, folder / "spool.sqlite"],
            now_unix_ms=clock.now_unix_ms,
            connect_timeout_s=_CONNECT_TIMEOUT_S,
        )
        try:
            await connection.run(stop, lambda: _tell_connected(teller))
        finally:
            spool.close()


def _tell_connected(teller: Teller) -> None:
    teller.tell(Told(stage=Stage.CONNECTED))

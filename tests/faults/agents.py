"""One agent of a fleet: its processes, one after the other, its links, and what it told."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from protos.joining import JoinToken
from tests.faults.processes import Child
from tests.faults.proxy import Link
from tests.faults.schedules import Stage
from tests.faults.simulated_agent import AgentPlan, ExitCode, run_agent
from tests.faults.telling import Reply, Told
from tests.faults.template import DEVICES

_REST_S = 0.3


@dataclass(frozen=True, kw_only=True)
class Made:
    """A report that an agent had.

    Attributes:
        attempt_id: of what.
        device: whose.
        report: encoded.
        is_kept: whether it was in the spool.
    """

    attempt_id: str
    device: str
    report: bytes
    is_kept: bool = False


class Agent:
    """An agent that is started again whenever it has ended.

    Attributes:
        index: which one of its fleet.
        folder: its state.
        links: the ports where it finds its controller.
        told: how often it came to each stage.
        made: its reports, by attempt.
        clock_ms: by what its clock is off, ms.
        child: its process; None before the first.
        strayed: what it did that nothing explains.
        may_be_refused: whether it may have to join anew.
    """

    def __init__(
        self,
        index: int,
        seed: int,
        folder: Path,
        *,
        on_told: Callable[["Agent", Told], Reply],
    ) -> None:
        """`on_told` says how it goes on."""
        self.index = index
        self.folder = folder / self.name
        self.links: tuple[Link, ...] = ()
        self.told: Counter[Stage] = Counter()
        self.made: dict[str, Made] = {}
        self.clock_ms = 0
        self.child: Child | None = None
        self.strayed: list[str] = []
        self.may_be_refused = False
        self._log = folder / f"{self.name}.log"
        self._seed = seed
        self._on_told = on_told
        self._tokens: Iterator[JoinToken] = iter(())
        self._token: JoinToken | None = None
        self._address = ""
        self._supervising: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        """Of its device, which is also its id."""
        return DEVICES[self.index]

    @property
    def is_there(self) -> bool:
        """Whether its process is set up and goes on, and nobody ends it."""
        return self.child is not None and self.child.is_there

    def start(self, address: str, tokens: Iterator[JoinToken]) -> None:
        """Start it, and again when it ends of itself; it joins by the tokens, in turn, if any."""
        self._address, self._tokens = address, tokens
        self._token = next(tokens, None)
        self.start_again()

    def start_again(self) -> None:
        """Start its next process."""
        plan = AgentPlan(
            name=self.name,
            folder=self.folder,
            address=self._address,
            token=self._token,
            clock_ms=self.clock_ms,
            seed=self._seed,
        )
        child = Child(run_agent, plan, self._log, on_said=lambda told: self._hear(child, told))
        self.child = child
        self._supervising = asyncio.create_task(self._supervise(child))

    async def end(self, within_s: float) -> None:
        """Let it end, as a person would."""
        if self._supervising is not None:
            self._supervising.cancel()
        if self.child is None or self.child.has_ended.is_set():
            return
        if not await self.child.terminate(within_s):
            self.strayed.append(f"{self.name} did not end on SIGTERM")
        # One that is not set up yet hears no signal, and dies of it.
        elif self.child.has_spoken and self.child.exit_code not in self._explained():
            self.strayed.append(f"{self.name} ended on SIGTERM with {self.child.exit_code}")

    def kill(self) -> None:
        """End it at once."""
        if self._supervising is not None:
            self._supervising.cancel()
        if self.child is not None:
            self.child.kill()

    def _hear(self, child: Child, told: Told) -> None:
        self.told[told.stage] += 1
        if told.stage is Stage.REPORTING:
            made = Made(attempt_id=told.attempt_id, device=self.name, report=told.report)
            self.made.setdefault(told.attempt_id, made)
        elif told.stage is Stage.KEPT:
            self.made[told.attempt_id] = replace(self.made[told.attempt_id], is_kept=True)
        child.say(self._on_told(self, told))

    async def _supervise(self, child: Child) -> None:
        await child.has_ended.wait()
        if child.is_ending:
            return
        if child.exit_code not in self._explained() or child.exit_code == ExitCode.STOPPED:
            self.strayed.append(f"{self.name} ended of itself with {child.exit_code}")
        if child.exit_code == ExitCode.REFUSED:
            # A person brings another one.
            self._token = next(self._tokens, self._token)
        await asyncio.sleep(_REST_S)
        self.start_again()

    def _explained(self) -> tuple[ExitCode, ...]:
        """How it may end of itself; one that is started while nobody answers is started again."""
        refused = (ExitCode.REFUSED,) if self.may_be_refused else ()
        return (ExitCode.STOPPED, ExitCode.NOBODY_THERE, *refused)

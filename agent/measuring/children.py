"""What measures in a process of its own: a Python, this one or another, or another program."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from agent.measuring.supervision import (
    Cancellation,
    ChildAnswer,
    OnPhase,
    RequestFor,
    ask_child,
)


def _says_nothing(_pid: int, _phase: object) -> None:
    """Nobody wants to know."""


class Child(Protocol):
    """Whoever is asked for a figure."""

    def ask(
        self,
        request_for: RequestFor,
        *,
        limit_s: float,
        cancellation: Cancellation,
        proc_root: Path,
        on_phase: OnPhase = _says_nothing,
        inherited: Collection[int] = (),
    ) -> ChildAnswer:
        """Start it, ask it, and wait for its answer; as `agent.measuring.supervision.ask_child`."""
        ...


@dataclass(frozen=True)
class PythonChild:
    """The child of `agent.child`, in the Python that a command starts."""

    command: tuple[str, ...]

    def ask(
        self,
        request_for: RequestFor,
        *,
        limit_s: float,
        cancellation: Cancellation,
        proc_root: Path,
        on_phase: OnPhase = _says_nothing,
        inherited: Collection[int] = (),
    ) -> ChildAnswer:
        """Start it, ask it, and wait for its answer."""
        return ask_child(
            request_for,
            command=self.command,
            limit_s=limit_s,
            cancellation=cancellation,
            proc_root=proc_root,
            on_phase=on_phase,
            inherited=inherited,
        )

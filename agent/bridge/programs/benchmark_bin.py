"""One repetition by a phone's `benchmark_bin`, as a relay: `python -m ... PLAN`.

The program runs on the phone; its inputs are made here, and its outputs are compared here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from agent.bridge.programs.plan import ProgramPlan, answered, running_on
from agent.bridge.programs.running import PhoneRunning
from agent.child.messages import ChildRequest, Line
from agent.child.programs.benchmark_bin.asking import Work, arguments_of
from agent.child.programs.benchmark_bin.measuring import answer
from agent.child.programs.repeating import Run


@dataclass(frozen=True, kw_only=True)
class PhoneProgram:
    """The program on a phone.

    Attributes:
        path: the same file on this computer.
        architecture: of the phone.
    """

    running: PhoneRunning
    path: Path
    architecture: str

    def version(self) -> Run:
        """Let it say its version."""
        return self.running.run(("--version",))

    def run(self, work: Work, inputs: Sequence[Path]) -> Run:
        """Let it load an artifact and compute."""
        brought = [self.running.phone.bring(each) for each in inputs]
        return self.running.run(arguments_of(work, brought, self.architecture))

    def affinity(self) -> tuple[int, ...]:
        """The cores that every run is on."""
        return self.running.affinity()


def _answer(plan: ProgramPlan, request: ChildRequest, pipe: BinaryIO) -> Line:
    running, read_state = running_on(plan, request)
    program = PhoneProgram(running=running, path=Path(plan.file), architecture=plan.architecture)
    return answer(program, request, pipe, read_state)


if __name__ == "__main__":
    answered(_answer)

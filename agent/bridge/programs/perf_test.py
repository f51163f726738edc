"""One repetition by a phone's `onnxruntime_perf_test`, as a relay: `python -m ... PLAN`.

The program runs on the phone; what it computes on is made here.
"""

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from agent.bridge.phone import FOLDER, PhoneRefuses
from agent.bridge.programs.plan import ProgramPlan, answered, running_on
from agent.bridge.programs.running import PhoneRunning
from agent.child.messages import ChildRequest, Line
from agent.child.programs.perf_test.asking import TimedRun, Work, arguments_of
from agent.child.programs.perf_test.measuring import answer
from agent.child.programs.repeating import Run

# Above them, a shell tells of signals.
_CODES: Final = (*range(126), 255)
# It takes every folder beside the model for one of inputs, by these names.
_FOLDER: Final = FOLDER / "perf_test"
_MODEL: Final = _FOLDER / "model" / "model.onnx"
_INPUTS: Final = _FOLDER / "model" / "test_data_set_0"
_TIMES: Final = _FOLDER / "times.csv"


@dataclass(frozen=True, kw_only=True)
class PhoneProgram:
    """The program on a phone."""

    running: PhoneRunning

    def usage(self) -> Run:
        """Let it say how it is used, which it does with another code in each version."""
        return self.running.run(("-h",), codes=_CODES)

    def run(self, work: Work, tensor: Path) -> TimedRun:
        """Let it load an artifact and compute."""
        phone = self.running.phone
        brought = phone.bring(tensor)
        laid = phone.run(
            f"rm -rf {_FOLDER} && mkdir -p {_INPUTS} && "
            f"ln -s {shlex.quote(work.artifact)} {_MODEL} && "
            # A link is no regular file to it.
            f"cp {shlex.quote(str(brought))} {_INPUTS}/input_0.pb"
        )
        if laid.code:
            raise PhoneRefuses(f"the phone {phone.serial} keeps nothing in {_FOLDER}: {laid.words}")
        run = self.running.run(arguments_of(work, str(_MODEL), str(_TIMES)))
        times = phone.run(f"cat {_TIMES}; rm -rf {_FOLDER}")
        return TimedRun(text=run.text, peak_rss_bytes=run.peak_rss_bytes, times=times.text)

    def affinity(self) -> tuple[int, ...]:
        """The cores that every run is on."""
        return self.running.affinity()


def _answer(plan: ProgramPlan, request: ChildRequest, pipe: BinaryIO) -> Line:
    running, read_state = running_on(plan, request)
    return answer(PhoneProgram(running=running), request, pipe, read_state)


if __name__ == "__main__":
    answered(_answer)

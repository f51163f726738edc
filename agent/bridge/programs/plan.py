"""What a relay is told of such a program, and how it answers."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from agent.bridge.mirror import Mirror
from agent.bridge.phone import PhoneRefuses
from agent.bridge.plan import Plan, limit_relay, losing
from agent.bridge.programs.running import PhoneRunning
from agent.child.confinement import bind_to_parent, set_stdout_aside
from agent.child.messages import ChildRequest, Line, decode_request, say
from protos.device import DeviceState
from protos.fleet import failed
from protos.reasons import ReasonCode


@dataclass(frozen=True, kw_only=True)
class ProgramPlan(Plan):
    """What the relay is to do with the program.

    Attributes:
        file: the program on this computer.
        architecture: of the phone, as `uname -m` says it.
    """

    file: str
    architecture: str


def answered(answer: Callable[[ProgramPlan, ChildRequest, BinaryIO], Line]) -> None:
    """Answer the one request on stdin."""
    limit_relay()
    pipe = set_stdout_aside()
    plan = ProgramPlan(**json.loads(sys.argv[1]))
    asked = sys.stdin.buffer.read()
    if not asked:
        return
    request = decode_request(asked)
    bind_to_parent(request.parent_pid)
    with losing(plan):
        try:
            line = answer(plan, request, pipe)
        except PhoneRefuses as error:
            line = failed(ReasonCode.RUNTIME_ERROR, str(error))
    say(pipe, line)


def running_on(
    plan: ProgramPlan, request: ChildRequest
) -> tuple[PhoneRunning, Callable[[], DeviceState]]:
    """The program as a request wants it, and what tells the phone's state.

    Raises:
        PhoneAway: the phone went.
    """
    mirror = Mirror(plan.phone, Path(plan.folder))
    if request.sampling is not None:
        mirror.begin()
    running = PhoneRunning(
        phone=plan.phone,
        place=plan.place,
        memory_limit_bytes=request.memory_limit_bytes,
        cores=request.cores,
    )
    return running, mirror.state

"""Stands in for the runner that runs on a phone: `python -m agent.bridge.relay PLAN`.

The agent supervises it like any measuring child. What it is asked it passes to the runner, and
what the runner says, to the agent; how the runner ends, it ends. When it is killed the phone's
shell ends the runner, since its connection ends. Temperatures, charge and the like, which the
runner leaves to its caller, it reads where the runner's own states begin and end.
"""

import json
import os
import shlex
import signal
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, Final

from agent.bridge.adb.shell import STDOUT, Shell, signalled
from agent.bridge.mirror import Mirror
from agent.bridge.phone import FOLDER, Phone
from agent.bridge.plan import MOST_BYTES, Plan, limit_relay, losing
from agent.child.messages import (
    Phase,
    Profiling,
    ProtocolBroken,
    Sampled,
    decode_line,
    decode_request,
    encode_line,
    phase_of,
)
from agent.measuring.native.state import laid_under
from agent.measuring.native.traces import keep_trace
from protos.device import DeviceState

# Reading is all that a phone is asked for meanwhile, and its own deadline is later.
_SILENCE_S: Final = 24 * 3_600.0
_TRACES: Final = FOLDER / "traces"


@dataclass(frozen=True, kw_only=True)
class RunnerPlan(Plan):
    """What the relay is to do with the runner.

    Attributes:
        library: the runtime's.
        given: what the runner's request has besides; None for the runtime's description alone.
        time_limit_s: after which the runner ends itself.
    """

    library: str
    given: dict[str, str | None] | None
    time_limit_s: int


def main() -> None:
    """Relay the one request on stdin."""
    limit_relay()
    plan = RunnerPlan(**json.loads(sys.argv[1]))
    asked = sys.stdin.buffer.read()
    if not asked:
        return
    with losing(plan):
        code = _relay(plan, plan.phone, asked)
    _end_as(code)


def _relay(plan: RunnerPlan, phone: Phone, asked: bytes) -> int:
    request = json.loads(asked) | {"parent_pid": 0, "given": plan.given}
    profiling = decode_request(asked).profiling
    states = _States(phone, Path(plan.folder)) if request["sampling"] is not None else None
    limit = f"--time-limit {plan.time_limit_s}"
    command = (
        f"cd {FOLDER} && {_traced_there(request)}"
        f"exec {shlex.quote(plan.program)} run {limit} {shlex.quote(plan.library)}"
    )
    with phone.start(command, _SILENCE_S) as shell:
        shell.give(json.dumps(request).encode())
        shell.end_input()
        _pass_on(phone, shell, states, sys.stdout.buffer)
        assert shell.code is not None
    if profiling is not None and shell.code == 0:
        _bring_trace(phone, profiling)
    return shell.code


def _traced_there(request: dict[str, Any]) -> str:
    """Let a trace, if one is asked for, be written on the phone; the command that makes room."""
    for work, name in (("sampling", "trace_folder"), ("profiling", "folder")):
        if request[work] is not None and request[work][name] is not None:
            request[work][name] = str(_TRACES)
            # Of a runner that was killed one may be left.
            return f"rm -rf {_TRACES} && mkdir {_TRACES} && "
    return ""


def _bring_trace(phone: Phone, profiling: Profiling) -> None:
    """Keep the trace of a profile that was answered, here; of one that was not there is none."""
    told = phone.run(f"cat {_TRACES / profiling.uncompressed_path.name} && rm -rf {_TRACES}")
    if told.code == 0:
        profiling.uncompressed_path.write_bytes(told.output)
        keep_trace(profiling)


def _pass_on(phone: Phone, shell: Shell, states: "_States | None", pipe: BinaryIO) -> None:
    kept = bytearray()
    for kind, content in shell.outputs():
        if kind != STDOUT:
            sys.stderr.buffer.write(content)
            sys.stderr.buffer.flush()
            continue
        kept += content
        if len(kept) > MOST_BYTES:
            sys.exit(f"the phone {phone.serial} says more than any runner of ours")
        *lines, rest = bytes(kept).split(b"\n")
        kept = bytearray(rest)
        for line in lines:
            pipe.write(_told(line + b"\n", states))
            pipe.flush()
            # Behind the line, so that who watches the phone knows that samples are over.
            _read_around(line, states)
    pipe.write(kept)
    pipe.flush()


def _told(line: bytes, states: "_States | None") -> bytes:
    """A line of the runner's, with what the phone's files tell beside it."""
    if states is None:
        return line
    if not line.startswith(b"sampled "):
        return line
    try:
        sampled = decode_line(line)
    except ProtocolBroken:
        # Who asked tells what is wrong with it.
        return line
    assert isinstance(sampled, Sampled)
    return encode_line(
        replace(
            sampled,
            before=laid_under(sampled.before, states.before),
            after=laid_under(sampled.after, states.after),
        )
    )


def _read_around(line: bytes, states: "_States | None") -> None:
    """Read the phone's files where the runner reads its own: energy is of the time between."""
    if states is None:
        return
    phase = phase_of(line + b"\n")
    if phase is Phase.FIRST_RUN:
        states.before = states.read()
    elif phase is Phase.REPORTING:
        states.after = states.read()


class _States:
    """What the phone's files tell around the samples."""

    def __init__(self, phone: Phone, folder: Path) -> None:
        self._mirror = Mirror(phone, folder)
        self._mirror.begin()
        self.before = self.after = DeviceState(taken_at_unix_ms=0)

    def read(self) -> DeviceState:
        """The state now."""
        return self._mirror.state()


def _end_as(code: int) -> None:
    """End by the signal that the runner ended by, or with its exit code."""
    sys.stdout.flush()
    number = -signalled(code)
    if number > 0:
        signal.signal(number, signal.SIG_DFL) if number not in _UNCATCHABLE else None
        os.kill(os.getpid(), number)
    sys.exit(code)


_UNCATCHABLE: Final = frozenset({signal.SIGKILL, signal.SIGSTOP})


if __name__ == "__main__":
    main()

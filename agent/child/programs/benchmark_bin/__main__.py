"""The process of one repetition: `python -m agent.child.programs.benchmark_bin PROGRAM`.

It speaks as `agent.child` does. What touches an artifact is the program, in processes of its own.
"""

import os
import sys
from pathlib import Path

from agent.child.confinement import (
    CoresRefused,
    bind_to_parent,
    set_stdout_aside,
    stay_on_cores,
)
from agent.child.messages import decode_request, say
from agent.child.programs.benchmark_bin.driving import LocalProgram
from agent.child.programs.benchmark_bin.measuring import answer
from agent.clock import now_unix_ms
from agent.device.kernel_files import Roots
from agent.device.state import read_device_state
from protos.device import DeviceState
from protos.fleet import failed
from protos.reasons import ReasonCode


def main() -> None:
    """Answer the one request on stdin."""
    pipe = set_stdout_aside()
    asked = sys.stdin.buffer.read()
    if not asked:
        return
    request = decode_request(asked)
    bind_to_parent(request.parent_pid)
    program = LocalProgram(
        path=Path(sys.argv[1]),
        memory_limit_bytes=request.memory_limit_bytes,
        proc_root=Roots().proc,
    )
    try:
        stay_on_cores(request.cores)
    except CoresRefused as error:
        say(pipe, failed(ReasonCode.RUNTIME_ERROR, str(error)))
        return
    say(pipe, answer(program, request, pipe, _state_now))


def _state_now() -> DeviceState:
    return read_device_state(Roots(), now_unix_ms)


if __name__ == "__main__":
    main()
    # What the program left is gone with it; nothing of this process is needed any more.
    os._exit(0)

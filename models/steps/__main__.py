"""A step in a process of its own: one JSON request on stdin, one JSON answer on the real stdout.

Frameworks print on stdout, from Python and from C++, some while they are imported. The real
stdout is therefore set aside before a step's module is, and everything else that is written
there goes to stderr.
"""

from __future__ import annotations

import json
import os
import sys
from typing import NoReturn

import cattrs

from models.processes.requests import Bounds
from models.steps.answering import answer, import_step
from models.steps.confinement import confine, hold_forks
from models.steps.parent import bind_to_parent


def main(step: str, parent_pid: int, bounds: Bounds) -> None:
    """Answer one request for a step, in a fork of this process.

    Libraries look around and begin threads while they are read, before anything of a stranger's is;
    a fork can be confined with all of its threads.
    """
    answer_fd = _set_stdout_aside()
    bind_to_parent(parent_pid)
    import_step(step)
    hold_forks(bounds)
    pid = os.getpid()
    fork = os.fork()
    if fork:
        os.close(answer_fd)
        _end_as(fork)
    bind_to_parent(pid)
    confine(step, bounds)
    with os.fdopen(answer_fd, "wb", buffering=0) as answers:
        answer(step, sys.stdin.buffer, answers)


def _end_as(fork: int) -> NoReturn:
    """End this process as a fork ends, whose last words are on stderr already."""
    _, status = os.waitpid(fork, 0)
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        os.kill(os.getpid(), -code)
    os._exit(code)


def _set_stdout_aside() -> int:
    sys.stdout.flush()
    answer_fd = os.dup(1)
    os.dup2(2, 1)
    return answer_fd


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), cattrs.structure(json.loads(sys.argv[3]), Bounds))

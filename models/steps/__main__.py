"""A step in a process of its own: one JSON request on stdin, one JSON answer on the real stdout.

Frameworks print on stdout, from Python and from C++, some while they are imported. The real
stdout is therefore set aside before a step's module is, and everything else that is written
there goes to stderr.
"""

from __future__ import annotations

import os
import sys

from models.steps.answering import answer, confine


def main(step: str, parent_pid: int, memory_bytes: int) -> None:
    """Answer one request for a step."""
    answer_fd = _set_stdout_aside()
    confine(parent_pid, memory_bytes)
    with os.fdopen(answer_fd, "wb", buffering=0) as answers:
        answer(step, sys.stdin.buffer, answers)


def _set_stdout_aside() -> int:
    sys.stdout.flush()
    answer_fd = os.dup(1)
    os.dup2(2, 1)
    return answer_fd


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))

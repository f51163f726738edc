"""How a child process ended, known before its number is given back."""

from __future__ import annotations

import os


def await_end(pid: int) -> int:
    """Wait until a child has ended and return its exit code, or the signal's number negated.

    The child is not reaped, so that its number, and that of its group, still name it.
    """
    info = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert info is not None
    return info.si_status if info.si_code == os.CLD_EXITED else -info.si_status

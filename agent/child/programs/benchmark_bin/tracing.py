"""How a program ended, and the most memory that it needed."""

import ctypes
import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from agent.device.process_memory import peak_rss_of

# linux/ptrace.h.
_CONTINUE: Final = 7
_DETACH: Final = 17
_SEIZE: Final = 0x4206
_TRACE_EXIT: Final = 0x40
_EVENT_EXIT: Final = 6


@dataclass(frozen=True)
class End:
    """How a child ended.

    Attributes:
        returncode: as of `subprocess`: below 0 the signal that killed it.
        peak_rss_bytes: high-water mark of its resident memory (VmHWM), bytes; 0 is unknown, of one
            that was killed.
    """

    returncode: int
    peak_rss_bytes: int


def await_end(pid: int, proc_root: Path) -> End:
    """Wait for a child to end; it is not slowed down meanwhile.

    The kernel stops it as it ends, while its memory is still there: see ptrace(2). What getrusage
    tells counts the Python that it was started by, too.

    Raises:
        OSError: the kernel does not let this process look at its child.
    """
    _trace(_SEIZE, pid, _TRACE_EXIT)
    peak_rss_bytes = 0
    while True:
        _, status = os.waitpid(pid, 0)
        if not os.WIFSTOPPED(status):
            return End(os.waitstatus_to_exitcode(status), peak_rss_bytes)
        if status >> 16 == _EVENT_EXIT:
            peak_rss_bytes = peak_rss_of(proc_root / str(pid)) or 0
            _trace(_DETACH, pid, 0)
            continue
        stopped_by = os.WSTOPSIG(status)
        _trace(_CONTINUE, pid, 0 if stopped_by == signal.SIGTRAP else stopped_by)


def _trace(request: int, pid: int, data: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    words = (ctypes.c_long(request), ctypes.c_long(pid), ctypes.c_void_p(0), ctypes.c_void_p(data))
    if libc.ptrace(*words) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"the kernel does not let its memory be read ({os.strerror(number)})")

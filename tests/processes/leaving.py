"""Ends a forked process as Python ends one, without taking apart all that it has read.

What a fork shares with who forked it is copied when it is taken apart: that is most of what a short
command costs.
"""

import atexit
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final, NoReturn

# What Python exits with where what was printed cannot be told.
_UNTOLD: Final = 120


def leave_by(run: Callable[[], object]) -> NoReturn:
    """Runs what a process is for; its threads end, and what is to be done at its end is done."""
    status = _status_of(run)
    # As the interpreter does before it takes anything apart: both have no public name.
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    if not _is_told() and status >= 0:
        status = _UNTOLD
    if status < 0:
        signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    os._exit(status)


def _is_told() -> bool:
    """Whether all that was printed could be; what could not is said, as Python does."""
    is_told = True
    for stream in (sys.stdout, sys.stderr):
        if stream.closed:
            continue
        try:
            stream.flush()
        except OSError as error:
            is_told = False
            with suppress(OSError, ValueError):
                sys.stderr.write(f"Exception ignored in: {stream!r}\n{error!r}\n")
                sys.stderr.flush()
    return is_told


def _status_of(run: Callable[[], object]) -> int:
    """What a process exits with whose main program is this; below 0 by a signal."""
    try:
        run()
    except SystemExit as ending:
        if ending.code is None or isinstance(ending.code, int):
            return (ending.code or 0) & 0xFF
        sys.stderr.write(f"{ending.code}\n")
        return 1
    except KeyboardInterrupt:
        sys.excepthook(*sys.exc_info())
        return -signal.SIGINT
    # The edge where Python itself would say what went wrong.
    except BaseException:  # noqa: BLE001
        sys.excepthook(*sys.exc_info())
        return 1
    return 0

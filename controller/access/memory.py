"""Memory that this process has freed, given back to the machine."""

import ctypes
import gc
from typing import Final

import psutil

_M_ARENA_MAX: Final = -8
"""Of glibc's `malloc.h`."""
_ARENAS: Final = 2


def keep_few_arenas() -> None:
    """Has threads share what they free; of another C library than glibc, does nothing.

    Each thread of gRPC's would keep a heap of its own of what a crowd once took.
    For threads that start from here on.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, _ARENAS)


def keep_what_is_there() -> None:
    """Has Python look no more for garbage among what a start has made, most of all there is."""
    gc.freeze()


def give_back_memory() -> None:
    """Frees what refers to itself, and lets glibc return what it keeps for later.

    What many peers held at once was freed between what stays, and is never returned by itself; and
    what their calls left behind would wait for its turn among the oldest. Takes some milliseconds.
    """
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def resident_bytes() -> int:
    """How much of the machine's memory this process has."""
    return int(psutil.Process().memory_info().rss)

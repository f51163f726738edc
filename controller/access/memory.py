"""Memory that this process has freed, given back to the machine."""

import ctypes


def give_back_memory() -> None:
    """Lets the C library return what it keeps for later; of another one than glibc, nothing.

    What many peers held at once was freed between what stays, and is never returned by itself.
    Takes some milliseconds, in which other threads go on.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)

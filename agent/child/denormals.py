"""Whether subnormal numbers count as 0 in this process.

A thread takes this over from the one that starts it, as POSIX says of the whole floating-point
environment: what is set before a runtime loads an artifact holds for every thread that it starts.
"""

import ctypes
import platform
from collections.abc import Mapping
from threading import Thread
from types import MappingProxyType

import numpy as np

# In words of 32 bits; larger than any fenv_t.
_ENVIRONMENT_WORDS = 64
# Which word of fenv_t (glibc, musl and bionic alike) controls it, and the bits: of MXCSR that
# results and operands become 0, of FPCR and FPSCR the one for both.
_X86 = (7, 0x8040)
_ARM = (0, 1 << 24)
_CONTROL: Mapping[str, tuple[int, int]] = MappingProxyType(
    {
        "x86_64": _X86,
        "AMD64": _X86,
        "aarch64": _ARM,
        "arm64": _ARM,
        "armv7l": _ARM,
        "armv8l": _ARM,
    }
)


def set_flushing(flush: bool) -> None:
    """Let subnormal numbers count as 0 in this thread and those that it starts, or let them not.

    Also to be called with False: some libraries turn it on when they are loaded. Where no way is
    known nothing happens; `flushes` tells.
    """
    libc = ctypes.CDLL(None)
    if platform.machine() not in _CONTROL or not hasattr(libc, "fesetenv"):
        return
    word, bits = _CONTROL[platform.machine()]
    environment = (ctypes.c_uint32 * _ENVIRONMENT_WORDS)()
    libc.fegetenv(environment)
    environment[word] = environment[word] | bits if flush else environment[word] & ~bits
    libc.fesetenv(environment)


def flushes() -> bool:
    """Whether this thread, and one that it starts, compute with 0 for every subnormal number."""
    answers = [_computes_zero()]
    thread = Thread(target=lambda: answers.append(_computes_zero()))
    thread.start()
    thread.join()
    return all(answers)


def _computes_zero() -> bool:
    smallest_normal = np.full(16, np.finfo(np.float32).tiny)
    subnormal = np.full(16, np.finfo(np.float32).smallest_subnormal)
    result = smallest_normal * np.float32(0.5)
    operand = subnormal * np.float32(2**30)
    return not result.any() and not operand.any()

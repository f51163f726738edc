"""Cut a step's process off the network: files that strangers made are read in it.

A seccomp filter needs no privilege, holds for every thread and child that comes later, and cannot
be taken back.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct
import sys
from collections.abc import Mapping, Sequence
from types import MappingProxyType

_PR_SET_NO_NEW_PRIVS = 38
_PR_SET_SECCOMP = 22
_SECCOMP_MODE_FILTER = 2

# linux/filter.h and linux/seccomp.h.
_LOAD_WORD = 0x20
_JUMP_IF_EQUAL = 0x15
_JUMP_IF_AT_LEAST = 0x35
_RETURN = 0x06
_ALLOW = 0x7FFF0000
_DENY = 0x00050000 | errno.EACCES

# Offsets in struct seccomp_data.
_NUMBER = 0
_ARCHITECTURE = 4

# By machine: AUDIT_ARCH_* of linux/audit.h and the calls that are denied, namely socket(2), and
# what would make another process use its own: ptrace(2), process_vm_writev(2).
_MACHINES: Mapping[str, tuple[int, tuple[int, ...]]] = MappingProxyType(
    {"x86_64": (0xC000003E, (41, 101, 311)), "aarch64": (0xC00000B7, (198, 117, 271))}
)
# Denied too, the same on every machine: io_uring_setup(2), whose rings open sockets by themselves,
# and pidfd_getfd(2), which takes another process's.
_EVERYWHERE = (425, 438)
# From here on x86-64 counts the calls of its x32 twin.
_X32 = 0x40000000


class _Program(ctypes.Structure):
    """struct sock_fprog of linux/filter.h."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def cut_network() -> None:
    """Deny this process and its children every socket but pairs between themselves.

    Local sockets go too, since they lead to servers that have a network. Only threads that come
    later are held, so this is called before any library starts its own.

    Raises:
        OSError: the system cannot do it; nothing of a stranger's may be read then.
    """
    if sys.platform != "linux" or platform.machine() not in _MACHINES:
        raise OSError(errno.ENOSYS, "no way to cut a process off the network is known here")
    architecture, calls = _MACHINES[platform.machine()]
    instructions = b"".join(_filter(architecture, (*calls, *_EVERYWHERE)))
    program = _Program(len(instructions) // 8, instructions)
    _prctl(_PR_SET_NO_NEW_PRIVS, 1, 0)
    _prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.addressof(program))


def _filter(architecture: int, denied: Sequence[int]) -> tuple[bytes, ...]:
    """Return the filter's instructions; a jump counts those that it skips, here to the last."""
    left = len(denied)
    return (
        _instruction(_LOAD_WORD, _ARCHITECTURE),
        _instruction(_JUMP_IF_EQUAL, architecture, otherwise=left + 3),
        _instruction(_LOAD_WORD, _NUMBER),
        _instruction(_JUMP_IF_AT_LEAST, _X32, then=left + 1),
        *(
            _instruction(_JUMP_IF_EQUAL, call, then=left - place)
            for place, call in enumerate(denied)
        ),
        _instruction(_RETURN, _ALLOW),
        _instruction(_RETURN, _DENY),
    )


def _instruction(code: int, operand: int, *, then: int = 0, otherwise: int = 0) -> bytes:
    return struct.pack("=HBBI", code, then, otherwise, operand)


def _prctl(option: int, first: int, second: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    arguments = (ctypes.c_ulong(value) for value in (first, second, 0, 0))
    if libc.prctl(option, *arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"the process cannot be cut off the network: prctl {option} failed")

"""Deny a process system calls: the network, starting processes, emptying files that it may read.

A seccomp filter needs no privilege, holds for every thread and child, and cannot be taken back.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

_PR_SET_NO_NEW_PRIVS = 38
_SET_MODE_FILTER = 1
_GET_ACTION_AVAIL = 2
_ALL_THREADS = 1
# Else kernels before 5.16 make every process with a filter slower, and with it what it measures.
_LEAVE_SPECULATION = 4

# linux/filter.h and linux/seccomp.h.
_LOAD_WORD = 0x20
_JUMP_IF_EQUAL = 0x15
_JUMP_IF_AT_LEAST = 0x35
_JUMP_IF_ANY_BIT = 0x45
_MASK = 0x54
_RETURN = 0x06
_ALLOW = 0x7FFF0000
_FAIL = 0x00050000
_DENIED = _FAIL | errno.EACCES
_UNKNOWN = _FAIL | errno.ENOSYS

# Offsets in struct seccomp_data; of an argument, its lower half on both machines.
_NUMBER = 0
_ARCHITECTURE = 4
_FIRST_ARGUMENT = 16
_ARGUMENT_BYTES = 8

_CLONE_THREAD = 0x10000
# asm-generic/fcntl.h: how a file is opened. The fourth mode, 3, asks for neither reading nor
# writing.
_ACCESS_MODE = 0o3
_WRITE_ONLY = 0o1
_READ_AND_WRITE = 0o2
_TRUNCATE = 0o1000
# From here on x86-64 counts the calls of its x32 twin.
_X32 = 0x40000000


@dataclass(frozen=True, slots=True)
class _Machine:
    """The numbers of a machine's calls, and what the kernel calls the machine (AUDIT_ARCH_*)."""

    architecture: int
    seccomp: int
    clone: int
    network: tuple[int, ...]
    """socket; what would make another process use its own: ptrace, process_vm_writev; and what
    takes a process out of the group that is killed as a whole: setpgid, setsid."""
    processes: tuple[int, ...]
    """fork, vfork, execve, execveat."""
    prlimit: int
    opening: Mapping[int, int]
    """open and openat, each with the place of its flags among its arguments, from 0."""
    emptying: tuple[int, ...]
    """truncate; and open_by_handle_at, which opens without a name."""


_MACHINES: Mapping[str, _Machine] = MappingProxyType(
    {
        "x86_64": _Machine(
            architecture=0xC000003E,
            seccomp=317,
            clone=56,
            network=(41, 101, 311, 109, 112),
            processes=(57, 58, 59, 322),
            prlimit=302,
            opening=MappingProxyType({2: 1, 257: 2}),
            emptying=(76, 304),
        ),
        "aarch64": _Machine(
            architecture=0xC00000B7,
            seccomp=277,
            clone=220,
            network=(198, 117, 271, 154, 157),
            processes=(221, 281),
            prlimit=261,
            opening=MappingProxyType({56: 2}),
            emptying=(45, 265),
        ),
    }
)
# The same on every machine: io_uring_setup, whose rings open sockets and files by themselves, and
# pidfd_getfd, which takes another process's.
_IO_URING_SETUP = 425
_NETWORK_EVERYWHERE = (_IO_URING_SETUP, 438)
# Their flags are in memory, where no filter sees them; libraries take clone and openat where these
# are not known.
_CLONE3 = 435
_OPENAT2 = 437


class _Program(ctypes.Structure):
    """struct sock_fprog of linux/filter.h."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def can_filter() -> bool:
    """Return whether this kernel filters the calls of this machine's processes."""
    machine = _machine()
    if machine is None:
        return False
    action = ctypes.c_uint32(_FAIL)
    call = ctypes.CDLL(None).syscall
    return bool(call(machine.seccomp, _GET_ACTION_AVAIL, 0, ctypes.byref(action)) == 0)


def cut_network() -> None:
    """Deny this process and its children every socket but pairs between themselves.

    Local sockets go too, since they lead to servers that have a network. Nor can it leave its
    process group, which is killed as a whole, or change the limits of another process.

    Raises:
        OSError: the kernel cannot do it.
    """
    machine = _known_machine()
    denied = (*machine.network, *_NETWORK_EVERYWHERE)
    _apply(machine, [_if_called(call, _DENIED) for call in denied] + [_limits_of_others(machine)])


def forbid_processes() -> None:
    """Deny this process and its children new processes and programs; threads go on to start.

    Raises:
        OSError: the kernel cannot do it.
    """
    machine = _known_machine()
    rules = [_if_called(call, _DENIED) for call in machine.processes]
    _apply(machine, [*rules, _if_called(_CLONE3, _UNKNOWN), _clone_without_thread(machine)])


def forbid_emptying() -> None:
    """Deny this process and its children to empty a file that they have not opened for writing.

    What holds files otherwise, as Landlock before its third version, is asked about reading and
    writing alone: truncating by name asks for neither, and opening for reading may truncate as
    well. A file that is opened for writing is emptied as before, and so is one that is open so.

    Raises:
        OSError: the kernel cannot do it.
    """
    machine = _known_machine()
    denied = [_if_called(call, _DENIED) for call in (*machine.emptying, _IO_URING_SETUP)]
    opening = [_emptying_unwritten(call, place) for call, place in machine.opening.items()]
    _apply(machine, [*denied, _if_called(_OPENAT2, _UNKNOWN), *opening])


def _machine() -> _Machine | None:
    return _MACHINES.get(platform.machine()) if sys.platform == "linux" else None


def _known_machine() -> _Machine:
    machine = _machine()
    if machine is None:
        raise OSError(errno.ENOSYS, "no filter of system calls is known for this machine")
    return machine


def _apply(machine: _Machine, rules: Iterable[bytes]) -> None:
    """Filter the calls of all threads; a rule answers, or leaves the call's number loaded."""
    instructions = b"".join(
        (
            _instruction(_LOAD_WORD, _ARCHITECTURE),
            _instruction(_JUMP_IF_EQUAL, machine.architecture, then=1),
            _instruction(_RETURN, _DENIED),
            _instruction(_LOAD_WORD, _NUMBER),
            _instruction(_JUMP_IF_AT_LEAST, _X32, otherwise=1),
            _instruction(_RETURN, _DENIED),
            *rules,
            _instruction(_RETURN, _ALLOW),
        )
    )
    libc = ctypes.CDLL(None, use_errno=True)
    unprivileged = (ctypes.c_ulong(value) for value in (1, 0, 0, 0))
    _check(libc.prctl(_PR_SET_NO_NEW_PRIVS, *unprivileged))
    program = _Program(len(instructions) // 8, instructions)
    flags = ctypes.c_ulong(_ALL_THREADS | _LEAVE_SPECULATION)
    _check(libc.syscall(machine.seccomp, _SET_MODE_FILTER, flags, ctypes.byref(program)))


def _check(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"the process cannot be denied system calls (error {number})")


def _if_called(call: int, answer: int) -> bytes:
    return _instruction(_JUMP_IF_EQUAL, call, otherwise=1) + _instruction(_RETURN, answer)


def _limits_of_others(machine: _Machine) -> bytes:
    return _unless_first_argument(machine.prlimit, _instruction(_JUMP_IF_EQUAL, 0, otherwise=1))


def _clone_without_thread(machine: _Machine) -> bytes:
    return _unless_first_argument(
        machine.clone, _instruction(_JUMP_IF_ANY_BIT, _CLONE_THREAD, otherwise=1)
    )


def _emptying_unwritten(call: int, flags_place: int) -> bytes:
    """Deny a call that opens and empties a file without asking for writing."""
    inside: Sequence[bytes] = (
        _instruction(_LOAD_WORD, _FIRST_ARGUMENT + _ARGUMENT_BYTES * flags_place),
        _instruction(_JUMP_IF_ANY_BIT, _TRUNCATE, otherwise=4),
        _instruction(_MASK, _ACCESS_MODE),
        _instruction(_JUMP_IF_EQUAL, _WRITE_ONLY, then=2),
        _instruction(_JUMP_IF_EQUAL, _READ_AND_WRITE, then=1),
        _instruction(_RETURN, _DENIED),
        _instruction(_RETURN, _ALLOW),
    )
    return _instruction(_JUMP_IF_EQUAL, call, otherwise=len(inside)) + b"".join(inside)


def _unless_first_argument(call: int, test: bytes) -> bytes:
    """Deny a call whose first argument fails the test, which then skips one instruction."""
    inside: Sequence[bytes] = (
        _instruction(_LOAD_WORD, _FIRST_ARGUMENT),
        test,
        _instruction(_RETURN, _ALLOW),
        _instruction(_RETURN, _DENIED),
    )
    return _instruction(_JUMP_IF_EQUAL, call, otherwise=len(inside)) + b"".join(inside)


def _instruction(code: int, operand: int, *, then: int = 0, otherwise: int = 0) -> bytes:
    return struct.pack("=HBBI", code, then, otherwise, operand)

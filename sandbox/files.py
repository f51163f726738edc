"""Hold a process to the files that it needs, by the kernel's Landlock, and by a filter of calls."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path

from landlockpy import AccessFS, Ruleset, Scope

from sandbox.calls import forbid_emptying

TRUNCATION_ABI = 3
"""Before it (Linux 6.2), Landlock does not know of emptying files."""

_READ = AccessFS.READ_FILE | AccessFS.READ_DIR
# Nothing there is executed; and neither devices, pipes nor links are made, since whoever reads the
# folder afterwards would follow them.
_WRITE = (
    _READ
    | AccessFS.WRITE_FILE
    | AccessFS.TRUNCATE
    | AccessFS.MAKE_REG
    | AccessFS.MAKE_DIR
    | AccessFS.REMOVE_FILE
    | AccessFS.REMOVE_DIR
    | AccessFS.REFER
)
_USE_DEVICE = AccessFS.READ_FILE | AccessFS.WRITE_FILE | AccessFS.READ_DIR | AccessFS.IOCTL_DEV

_OF_FILES = (
    AccessFS.EXECUTE
    | AccessFS.READ_FILE
    | AccessFS.WRITE_FILE
    | AccessFS.TRUNCATE
    | AccessFS.IOCTL_DEV
)

# What the dynamic linker reads, on Linux and on Android.
_LINKED = (
    *("/lib", "/lib32", "/lib64", "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/local/lib"),
    *("/etc/ld.so.cache", "/etc/alternatives", "/nix/store"),
    *("/system", "/vendor", "/apex", "/linkerconfig", "/dev/__properties__"),
)
# What the kernel tells of the machine and of this process, and the time zone. Not all of /proc:
# it has the environment of every process of the same user.
_TOLD_OF_MACHINE = (
    *("cpuinfo", "device-tree", "filesystems", "interrupts", "loadavg", "meminfo", "pressure"),
    *("stat", "sys", "uptime", "version", "vmstat"),
)
_TOLD = (
    *(f"/proc/{name}" for name in ("self", *_TOLD_OF_MACHINE)),
    *("/sys", "/etc/localtime", "/usr/share/zoneinfo", "/dev/urandom", "/dev/random"),
)
_OF_PROCESS = Path("/proc/self")
# The kernel may forget what a name below /proc stood for, and the grant with it, unless it is held.
_held: list[int] = []


def hold_to_files(
    *,
    readable: Iterable[Path] = (),
    writable: Iterable[Path] = (),
    devices: Iterable[Path] = (),
    packages: Iterable[Path] = (),
    programs: Iterable[Path] = (),
) -> None:
    """Deny this thread, and those that it starts, every other file; also signals to others.

    What Python and its libraries need is readable besides. Threads that run already are not held.

    Where the kernel's Landlock does not know of emptying files, a filter of calls denies that of
    those which are not opened for writing, to all threads. Its first version also moves no file
    from one folder into another.

    Args:
        readable: files, or folders with all below.
        writable: folders, or files, that are also read.
        devices: those that an accelerator is reached by.
        packages: folders of our own packages, which may stand beside files of other people.
        programs: files that may be started; with any, so may the dynamic linker.

    Raises:
        OSError: the kernel cannot do it.
    """
    started = tuple(programs)
    # No signals to processes outside, and no sockets of theirs by name, from Linux 6.12 on.
    scope = Scope.SIGNAL | Scope.ABSTRACT_UNIX_SOCKET
    with Ruleset(scoped=scope) as rules:
        granted = [(path, _READ) for path in (*readable, *packages, *_libraries(packages))]
        granted += [(path, _WRITE) for path in (*writable, Path("/dev/null"))]
        granted += [(path, _USE_DEVICE) for path in devices]
        granted += [(path, _READ | AccessFS.EXECUTE) for path in started]
        if started:
            granted += [(Path(path), _READ | AccessFS.EXECUTE) for path in _LINKED]
        # Their names alone, so that the packages in them are found.
        granted += [(path.parent, AccessFS.READ_DIR) for path in packages]
        for path, access in granted:
            if path.exists():
                if _OF_PROCESS in (path, *path.parents):
                    _held.append(os.open(path, os.O_PATH | os.O_CLOEXEC))
                rules.allow_path(path, access if path.is_dir() else access & _OF_FILES)
        rules.restrict()
        if rules.abi_version < TRUNCATION_ABI:
            forbid_emptying()


def _libraries(packages: Iterable[Path]) -> list[Path]:
    """Return where Python, its packages and what they are linked to can be."""
    beside = {package.parent.resolve() for package in packages}
    prefixes = {Path(each) for each in (sys.prefix, sys.base_prefix)}
    found = [prefix / folder for prefix in prefixes for folder in ("lib", "lib64")]
    found += [Path(entry) for entry in sys.path if entry and Path(entry).resolve() not in beside]
    named = os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep)
    found += [Path(entry) for entry in named if entry]
    return [*found, *map(Path, (*_LINKED, *_TOLD))]

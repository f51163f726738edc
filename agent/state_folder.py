"""The agent's state folder: one agent at a time, and an identity that outlives it."""

import asyncio
import errno
import os
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from filelock import FileLock, Timeout

from agent.errors import AgentError
from protos.log_lines import event_log
from sandbox.ownership import Presence, make_private

log = event_log(__name__)

CHECK_S = 1.0


class StateUnusable(AgentError):
    """The state folder cannot be written, or another agent holds it."""


@contextmanager
def locked_state_folder(folder: Path) -> Iterator[Path]:
    """Make the folder, close it to others, and hold it for this process alone.

    The lock is the kernel's: it ends with the process, however that ends.

    Raises:
        StateUnusable: another agent holds it, or it cannot be written.
    """
    with _told_of(folder):
        for path in make_private(folder):
            log.warning("open to other users until now", path=path)
        # A kernel's lock or none: a file that means one would outlive a process that was killed.
        lock = FileLock(folder / "agent.lock", fallback_to_soft=False)
        try:
            held = lock.acquire(blocking=False)
        except Timeout as error:
            raise StateUnusable(
                f"another agent runs with the state folder {folder}: "
                "stop it, or give this one a state folder of its own"
            ) from error
    with held:
        yield folder


def device_id(folder: Path) -> str:
    """The device's UUID, made at the first call and kept in the folder.

    Raises:
        StateUnusable: the folder cannot be written, or the file holds no UUID.
    """
    path = folder / "device_id"
    with _told_of(folder):
        if not path.exists():
            write_in_place(path, f"{uuid.uuid4()}\n")
        text = path.read_text(encoding="ascii", errors="replace").strip()
    try:
        return str(uuid.UUID(text))
    except ValueError as error:
        raise StateUnusable(
            f"{path} holds no device id: restore it, or delete it to enrol as a new device"
        ) from error


async def watch_presence(paths: Iterable[Path]) -> NoReturn:
    """Look at files and folders of the state once a second, for as long as they are there.

    Raises:
        StateUnusable: one was removed or replaced.
    """
    presence = Presence.of(paths)
    while True:
        await asyncio.sleep(CHECK_S)
        gone = presence.gone()
        if gone is not None:
            raise StateUnusable(
                f"{gone} was removed or replaced while this agent used it: put it back, or start "
                "the agent again to enrol as a new device"
            )


def write_in_place(path: Path, text: str) -> None:
    """Write a file anew that is whole at any time, also after a power cut."""
    beside = path.with_name(f"{path.name}.part")
    beside.write_text(text, encoding="utf-8")
    put_in_place(beside, path)


def put_in_place(beside: Path, path: Path) -> None:
    """Let a file that was written beside its place take it, whole also after a power cut."""
    _sync(beside)
    beside.replace(path)
    _sync(path.parent)


def reason_of(error: OSError) -> str:
    """Why a file operation failed, and what to do about it."""
    advice = {
        errno.ENOSPC: "the disk is full; make room on it",
        errno.EDQUOT: "the disk quota is used up; make room",
        errno.EROFS: "the file system is read-only; choose another state folder",
        errno.EACCES: "this user may not write there; choose another state folder",
        errno.EPERM: "this user may not write there; choose another state folder",
    }
    return advice.get(error.errno or 0, f"{error.strerror}; choose another state folder")


def _sync(path: Path) -> None:
    """Wait until a file's bytes, or a folder's entries, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _told_of(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StateUnusable(
            f"the state folder {folder} cannot be used: {reason_of(error)}"
        ) from error

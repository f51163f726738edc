"""The agent's state folder: one agent at a time, and an identity that outlives it."""

import errno
import fcntl
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from agent.errors import AgentError


class StateUnusable(AgentError):
    """The state folder cannot be written, or another agent holds it."""


@contextmanager
def locked_state_folder(folder: Path) -> Iterator[Path]:
    """Make the folder and hold it for this process alone.

    The lock is the kernel's: it ends with the process, however that ends.

    Raises:
        StateUnusable: another agent holds it, or it cannot be written.
    """
    with _told_of(folder):
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / "agent.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StateUnusable(
                f"another agent runs with the state folder {folder}: "
                "stop it, or give this one a state folder of its own"
            ) from error
        yield folder
    finally:
        os.close(descriptor)


def device_id(folder: Path) -> str:
    """The device's UUID, made at the first call and kept in the folder.

    Raises:
        StateUnusable: the folder cannot be written, or the file holds no UUID.
    """
    path = folder / "device_id"
    with _told_of(folder):
        if not path.exists():
            write_durably(path, f"{uuid.uuid4()}\n".encode())
        text = path.read_text(encoding="ascii", errors="replace").strip()
    try:
        return str(uuid.UUID(text))
    except ValueError as error:
        raise StateUnusable(
            f"{path} holds no device id: restore it, or delete it to enrol as a new device"
        ) from error


def write_durably(path: Path, content: bytes) -> None:
    """Write a file so that after a crash it is there whole or not at all."""
    beside = path.with_name(f"{path.name}.part")
    with beside.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    beside.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the folder's entries, among them fresh renames, outlive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


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


@contextmanager
def _told_of(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StateUnusable(
            f"the state folder {folder} cannot be used: {reason_of(error)}"
        ) from error

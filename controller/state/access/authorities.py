"""The keys of who signs: a file each, of their owner alone."""

import os
from pathlib import Path

from controller.domain.errors import EdgerankError, ErrorCode
from models.files import put_in_place

_PATTERN = "authority-*.pem"


def load_authorities(folder: Path) -> tuple[bytes, ...]:
    """What `add_authority` kept, the oldest first; mends who may read it.

    Raises:
        EdgerankError: STORAGE when it cannot be read.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        found = sorted(folder.glob(_PATTERN))
        for path in found:
            path.chmod(0o600)
        return tuple(path.read_bytes() for path in found)
    except OSError as error:
        raise _unusable(folder, error) from error


def add_authority(folder: Path, content: bytes) -> None:
    """Keeps the key of who signs from here on.

    Raises:
        EdgerankError: STORAGE.
    """
    try:
        number = max((int(path.stem[-6:]) for path in folder.glob(_PATTERN)), default=0) + 1
        path = folder / f"authority-{number:06}.pem"
        beside = path.with_suffix(".part")
        beside.unlink(missing_ok=True)
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        put_in_place(beside, path)
    except OSError as error:
        raise _unusable(folder, error) from error


def keep_newest_authorities(folder: Path, count: int) -> None:
    """Deletes the keys of all but the newest.

    Raises:
        EdgerankError: STORAGE.
    """
    try:
        for path in sorted(folder.glob(_PATTERN))[:-count]:
            path.unlink()
    except OSError as error:
        raise _unusable(folder, error) from error


def _unusable(folder: Path, error: OSError) -> EdgerankError:
    return EdgerankError(
        ErrorCode.STORAGE,
        f"the keys in {folder} cannot be read or written: {error.strerror}; make them readable and "
        "writable for the controller's user",
    )

"""What is in a state folder changes places with what is restored: all of it, or nothing."""

import json
import tempfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from controller.domain.errors import EdgerankError, ErrorCode
from controller.server.backup import DATABASE, KEPT, UNFINISHED
from controller.server.leftovers import remove
from models.files import put_in_place, sync
from protos.log_lines import event_log

log = event_log(__name__)

# What SQLite keeps beside a database belongs to it.
_DATABASES: Final = (DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm")
_TAKEN_UP: Final = "restored"


def undo_restore(state_dir: Path) -> None:
    """Moves back what was moved aside by a restore that failed or was killed while it moved files.

    Raises:
        EdgerankError: STORAGE when something cannot be moved; the next call goes on.
    """
    note = state_dir / UNFINISHED
    if not note.exists():
        return
    try:
        moving = _Moving.from_json(note.read_bytes())
        aside = state_dir / moving.aside
        for name in (*KEPT, *_DATABASES):
            is_kept = (aside / name).exists()
            if name in moving.there and not is_kept:
                # Not moved, or moved back.
                continue
            remove(state_dir / name)
            if is_kept:
                _move(name, aside, state_dir)
        sync(state_dir)
        remove(aside)
        note.unlink()
        sync(state_dir)
    except (OSError, ValueError) as error:
        raise EdgerankError(
            ErrorCode.STORAGE,
            f"a restore to {state_dir} has not ended, and what was there cannot be moved back: "
            f"{error}; it is there, or in a folder before-restore-... within it",
        ) from error
    log.warning("a restore that had not ended is undone", path=state_dir)


@dataclass(frozen=True, kw_only=True)
class _Moving:
    """What a restore moves: `there` is what was there, and goes to the folder `aside`."""

    aside: str
    there: list[str]

    @classmethod
    def from_json(cls, content: bytes) -> "_Moving":
        """What `to_json` wrote; raises ValueError where it did not."""
        try:
            return cls(**json.loads(content))
        except TypeError as error:
            raise ValueError(f"{UNFINISHED} cannot be read") from error

    def to_json(self) -> bytes:
        """As it is kept."""
        return json.dumps(asdict(self)).encode()


def exchange(fresh: Path, state_dir: Path, made_at_unix_ms: int) -> Path | None:
    """Moves what is there aside, and a restored state in its place: all of it, or nothing.

    The database goes last, which names the rest. `fresh` loses its place with the first move, and
    is removed whatever comes: killed before that move, it stands as it did.

    Raises:
        EdgerankError: PRECONDITION where something is a disk of its own.
        OSError: the disk fails, and what was there is moved back.
    """
    there = [name for name in (*KEPT, *_DATABASES) if (state_dir / name).exists()]
    refuse_disks(state_dir, there)
    aside = Path(tempfile.mkdtemp(prefix=f"before-restore-{made_at_unix_ms}-", dir=state_dir))
    _note(state_dir, _Moving(aside=aside.name, there=there))
    try:
        taken_up = fresh.rename(aside / _TAKEN_UP)
        for name in there:
            _move(name, state_dir, aside)
        for name in (*KEPT, DATABASE):
            if (taken_up / name).exists():
                _move(name, taken_up, state_dir)
        remove(taken_up)
        sync(state_dir)
    except BaseException:
        undo_restore(state_dir)
        raise
    (state_dir / UNFINISHED).unlink()
    sync(state_dir)
    if there:
        return aside
    aside.rmdir()
    return None


def refuse_disks(state_dir: Path, names: Iterable[str]) -> None:
    """Raises EdgerankError, PRECONDITION, where something cannot be moved aside."""
    mounted = next((name for name in names if (state_dir / name).is_mount()), None)
    if mounted is not None:
        raise EdgerankError(
            ErrorCode.PRECONDITION,
            f"{state_dir / mounted} is a disk of its own and cannot be moved aside: unmount it, "
            "restore, and move what was restored to it",
        )


def _note(state_dir: Path, moving: _Moving) -> None:
    beside = state_dir / f"{UNFINISHED}.part"
    beside.write_bytes(moving.to_json())
    put_in_place(beside, state_dir / UNFINISHED)


def _move(name: str, source: Path, target: Path) -> None:
    (target / name).parent.mkdir(parents=True, exist_ok=True)
    (source / name).rename(target / name)

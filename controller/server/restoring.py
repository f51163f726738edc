"""A backup takes the place of a state folder, once all of it was read and found whole."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from controller.domain.errors import EdgerankError, ErrorCode
from controller.server.backup import DATABASE, KEPT, MANIFEST, UNFINISHED, Manifest
from controller.server.exchanging import exchange, refuse_disks, undo_restore
from controller.server.leftovers import clear_folders, working_folder
from controller.server.unpacking import unpacked
from controller.state.database import claim_state
from controller.views.counting import minute
from models.files import sync
from protos.log_lines import event_log
from sandbox.ownership import make_private

log = event_log(__name__)

STAGED: Final = "restore-at-next-start"
"""What is to be restored when a controller starts, whole and checked."""
_WORK: Final = ".edgerank-restore-"
# As it was called once.
_EARLIER_WORK: Final = "restoring-"


def restore_backup(source: Path, state_dir: Path) -> tuple[Manifest, Path | None]:
    """Lets a backup take the place of what a state folder holds.

    Nothing of the folder is touched before the backup was read to its end, with every digest as its
    manifest has it. What was there is moved aside, into a folder within it.

    Returns:
        What the backup holds, and where what was there is now; None when nothing was.

    Raises:
        EdgerankError: INVALID_INPUT for what is no whole backup, PRECONDITION for a folder that a
            controller serves or a backup of a newer edgerank, STORAGE when the disk fails.
    """
    with _stopped(state_dir):
        undo_restore(state_dir)
        with _storage_named(state_dir), working_folder(state_dir, _WORK) as fresh:
            manifest = unpacked(source, fresh)
            _let_go(state_dir)
            aside = exchange(fresh, state_dir, manifest.made_at_unix_ms)
    return manifest, aside


def stage_backup(source: Path, state_dir: Path) -> Manifest:
    """Has a backup take the place of what a state folder holds when a controller starts there.

    Until then a controller may serve the folder. The backup is read and checked now; another one
    that was to be restored then is let go.

    Returns:
        What the backup holds.

    Raises:
        EdgerankError: as `restore_backup` does, but for a folder that is served; PRECONDITION also
            for a folder of another user.
    """
    with _storage_named(state_dir), _staging_folder(state_dir) as fresh:
        manifest = unpacked(source, fresh)
        refuse_disks(state_dir, KEPT)
        (fresh / MANIFEST).write_bytes(manifest.to_json())
        sync(fresh)
        _let_go(state_dir)
        fresh.rename(state_dir / STAGED)
        sync(state_dir)
    return manifest


def put_off_at_unix_ms(state_dir: Path) -> int | None:
    """Since when a restore waits for a controller to start, ms since 1970 UTC; None for none.

    Raises:
        EdgerankError: STORAGE when it cannot be looked at.
    """
    try:
        return (state_dir / STAGED).stat().st_mtime_ns // 1_000_000
    except FileNotFoundError:
        return None
    except OSError as error:
        raise EdgerankError(
            ErrorCode.STORAGE, f"{state_dir / STAGED} cannot be looked at: {error.strerror}"
        ) from error


def forget_restore(state_dir: Path) -> int:
    """Takes back a restore that waits for a controller to start; one may serve meanwhile.

    Returns:
        Since when it waited, ms since 1970 UTC.

    Raises:
        EdgerankError: PRECONDITION when none waits, STORAGE when it cannot be removed.
    """
    since_unix_ms = put_off_at_unix_ms(state_dir)
    if since_unix_ms is None:
        raise EdgerankError(
            ErrorCode.PRECONDITION,
            f"no restore waits in {state_dir}: nothing is to be taken back, or --state has to name "
            "another folder",
        )
    try:
        _let_go(state_dir)
    except OSError as error:
        raise EdgerankError(
            ErrorCode.STORAGE,
            f"{state_dir / STAGED} cannot be removed: {error.strerror}; run this as the user whose "
            "it is",
        ) from error
    return since_unix_ms


def settle_restores(state_dir: Path) -> None:
    """Undoes a restore that has not ended, and does one that was put off until a controller starts.

    Where the latter cannot be done, what was there stays, and it is not tried again. Where it is
    killed, the next start does it if nothing had been moved yet, and else undoes it.

    Raises:
        EdgerankError: as `undo_restore` does.
    """
    undo_restore(state_dir)
    _clear(state_dir)
    staged = state_dir / STAGED
    if not staged.exists():
        return
    try:
        log.warning("a restore that was put off begins", since=_since(state_dir))
        manifest = _found_whole(staged)
        aside = exchange(staged, state_dir, manifest.made_at_unix_ms)
    except (EdgerankError, OSError, ValueError) as error:
        if (state_dir / UNFINISHED).exists():
            # What was there is not all there.
            raise
        log.error("a backup could not be restored; what was there is served", error=error)
        _give_up(state_dir)
        return
    log.warning("a backup took the place of what was there", path=aside)


def _since(state_dir: Path) -> str:
    since_unix_ms = put_off_at_unix_ms(state_dir)
    return "" if since_unix_ms is None else f"{minute(since_unix_ms)} UTC"


def _found_whole(staged: Path) -> Manifest:
    """What was put off, with each of its files there in full length.

    Their digests were checked when they were written, and a controller that starts should not read
    all of a large state once more.
    """
    manifest = Manifest.from_json((staged / MANIFEST).read_bytes())
    for name in (DATABASE, *manifest.files):
        entry, path = manifest.files.get(name), staged / name
        if entry is None or not path.is_file() or path.stat().st_size != entry.size_bytes:
            raise EdgerankError(
                ErrorCode.STORAGE, f"{path} is missing or changed: put the restore off once more"
            )
    return manifest


def _let_go(state_dir: Path) -> None:
    """Removes what was put off. It loses its name at once: killed, no half of it is restored."""
    if (state_dir / STAGED).exists():
        with working_folder(state_dir, _WORK) as folder:
            (state_dir / STAGED).rename(folder / STAGED)
            sync(state_dir)


def _give_up(state_dir: Path) -> None:
    try:
        _let_go(state_dir)
    except OSError as error:
        log.error(
            "a restore that was put off can neither be done nor removed; remove its folder",
            path=state_dir / STAGED,
            error=error,
        )


def _clear(state_dir: Path) -> None:
    """Removes what restores that were killed left; where that fails, it is only told."""
    try:
        for prefix in (_WORK, _EARLIER_WORK):
            clear_folders(state_dir, prefix)
    except OSError as error:
        log.error(
            "what a killed restore left cannot be removed, and keys may be in it; remove it",
            path=error.filename or state_dir,
            error=error,
        )


@contextmanager
def _stopped(state_dir: Path) -> Iterator[None]:
    """Holds a folder that no controller serves."""
    with ExitStack() as held:
        try:
            held.enter_context(claim_state(state_dir))
        except EdgerankError as error:
            if error.code is not ErrorCode.PRECONDITION:
                raise
            raise EdgerankError(
                ErrorCode.PRECONDITION,
                f"a controller serves {state_dir}: stop it and restore then, or restore with "
                "--at-next-start, which reads the file now",
            ) from error
        yield


@contextmanager
def _staging_folder(state_dir: Path) -> Iterator[Path]:
    """A folder on the same disk of one's own, whoever serves the state."""
    _refuse_strangers(state_dir)
    make_private(state_dir)
    with working_folder(state_dir, _WORK) as folder:
        yield folder


def _refuse_strangers(state_dir: Path) -> None:
    if not state_dir.exists() or state_dir.stat().st_uid == os.geteuid():
        return
    try:
        owner = state_dir.owner()
    except KeyError:
        owner = f"#{state_dir.stat().st_uid}"
    raise EdgerankError(
        ErrorCode.PRECONDITION,
        f"{state_dir} is of user {owner}, whose controller could not take up what this user puts "
        f"there: run this as that user, as with sudo -u '{owner}'",
    )


@contextmanager
def _storage_named(state_dir: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise EdgerankError(
            ErrorCode.STORAGE,
            f"the backup cannot be restored to {state_dir}: {error}; check that its disk has room; "
            "what was there is in it, or in a folder before-restore-... within it",
        ) from error

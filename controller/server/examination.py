"""All that is examined of a controller's set-up, one check after the other; nothing is changed."""

import os
import platform
import resource
import shutil
import socket
import sys
import time
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from controller.access.certificates import Authority
from controller.api.limits import DEFAULTS
from controller.conversions.disk_room import RESERVED_BYTES
from controller.domain.access import Caller
from controller.domain.errors import EdgerankError, ErrorCode
from controller.server.restoring import put_off_at_unix_ms
from controller.state.database import newest_revision
from controller.state.schema import database_file
from controller.views.counting import minute
from protos.checks import (
    CheckedSide,
    CheckOutcome,
    Finding,
    access_found,
    broken,
    clock_found,
    confinement_found,
    descriptors_found,
    doubtful,
    fine,
    platform_found,
    room_found,
)
from sandbox.layers import Layer, enforceable
from sandbox.ownership import nearest, newest_unix_ms, open_to_others

# With fewer, its own would leave next to none for connections.
NEEDED_DESCRIPTORS: Final = 512
# On a network it listens at two ports.
WANTED_DESCRIPTORS: Final = DEFAULTS.descriptors(ports=2)
CONVERTERS: Final = (
    *("paddlepaddle", "paddleclas", "paddlelite", "paddle2onnx", "onnx", "onnxruntime"),
    "onnxslim",
)
_CONNECT_S: Final = 2.0
_OURS: Final = CheckedSide.CONTROLLER


def examine(state_dir: Path, address: str, ask: Callable[[str], Caller]) -> Iterator[Finding]:
    """Everything of the controller whose state folder this is.

    Args:
        state_dir: the controller's, which may not be there yet.
        address: HOST:PORT where people ask it.
        ask: asks the controller there who the caller is, and raises EdgerankError.
    """
    version = (sys.version_info.major, sys.version_info.minor)
    yield platform_found(_OURS, platform.system(), platform.release(), version)
    # It raises its own as far as this one.
    _, limit = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield descriptors_found(_OURS, limit, NEEDED_DESCRIPTORS, WANTED_DESCRIPTORS)
    yield clock_found(_OURS, time.time_ns() // 1_000_000, newest_unix_ms(state_dir))
    missing = [layer.value for layer in Layer if layer not in enforceable()]
    yield confinement_found(_OURS, missing, "models that people bring are refused until then")
    yield converters_found(CONVERTERS)
    of_folder = tuple(folder_found(state_dir))
    yield from of_folder
    if of_folder[0].outcome is CheckOutcome.FAILED:
        # Whoever may not write there may mostly not read either.
        return
    yield database_found(state_dir)
    yield artifacts_found(state_dir)
    yield keys_found(state_dir)
    yield restore_found(state_dir)
    yield serving_found(state_dir, address, ask)


def converters_found(packages: tuple[str, ...]) -> Finding:
    """Whether what converts is installed."""
    missing = [package for package in packages if _version(package) is None]
    if not missing:
        return fine(_OURS, "converters", f"{len(packages)} packages of converters are installed")
    return doubtful(
        _OURS,
        "converters",
        f"nothing new can be converted without {', '.join(missing)}",
        "pip install '.[convert]' in edgerank's folder, with Python 3.10 on x86-64",
    )


def folder_found(state_dir: Path, needed_bytes: int = RESERVED_BYTES) -> Iterator[Finding]:
    """Whether the state folder can be used, by its owner alone, and has room."""
    place = nearest(state_dir)
    found = access_found(
        _OURS,
        state_dir,
        place,
        is_writable=os.access(place, os.W_OK | os.X_OK),
        open_paths=open_to_others(state_dir) if place == state_dir else (),
    )
    yield found
    if found.outcome is CheckOutcome.FAILED:
        return
    # They may be on a disk of their own.
    artifacts = nearest(state_dir / "artifacts")
    free_bytes = shutil.disk_usage(artifacts).free
    yield room_found(_OURS, "room", str(artifacts), free_bytes, needed_bytes)


def database_found(state_dir: Path) -> Finding:
    """Whether the database is sound, and of this edgerank."""
    path = state_dir / database_file.NAME
    if not path.exists():
        return fine(_OURS, "database", "the database is made at the first start")
    restore = "stop the controller, and restore the newest backup with 'edgerank restore'"
    try:
        if damage := database_file.damage(path):
            return broken(_OURS, "database", f"{path} is damaged: {damage}", restore)
        revision, newest = database_file.revision(path), newest_revision()
    except EdgerankError as error:
        return broken(_OURS, "database", str(error), restore)
    if revision is None or revision > newest:
        found = f"{path} was written by another edgerank (revision {revision or 'unknown'})"
        return broken(_OURS, "database", found, "update this edgerank, or name another folder")
    if revision < newest:
        found = f"the database is of revision {revision}, and is migrated to {newest}"
        return doubtful(_OURS, "database", found, "make a backup, then start the controller")
    return fine(_OURS, "database", f"the database is sound, of revision {revision}")


def artifacts_found(state_dir: Path) -> Finding:
    """Whether the files of artifacts are there, in full length."""
    path = state_dir / database_file.NAME
    try:
        sizes = database_file.artifact_sizes(path) if path.exists() else {}
    except EdgerankError as error:
        return broken(_OURS, "artifacts", str(error), "see the check of the database")
    folder = state_dir / "artifacts"
    gone = [sha for sha, size in sizes.items() if _size(folder / sha[:2] / sha) != size]
    if not gone:
        return fine(_OURS, "artifacts", f"{len(sizes):,} artifacts are there")
    return doubtful(
        _OURS,
        "artifacts",
        f"{len(gone):,} of {len(sizes):,} artifacts are not in {folder}, as {gone[0][:12]}",
        "nothing; they are made again when they are needed, or bring them back from a backup",
    )


def keys_found(state_dir: Path) -> Finding:
    """Whether the keys that sign certificates can be read, by their owner alone."""
    folder = state_dir / "access"
    restore = "bring it back from a backup; without it every device joins anew"
    try:
        paths = sorted(folder.glob("authority-*.pem"))
        for path in paths:
            Authority.from_pem(path.read_bytes())
        opened = open_to_others(folder) if folder.exists() else ()
    except OSError as error:
        return broken(_OURS, "keys", f"{folder} cannot be read: {error.strerror}", restore)
    except ValueError:
        return broken(_OURS, "keys", f"{path} holds no key", restore)
    if opened:
        advice = f"chmod -R go= {folder}, and let another key sign: 'edgerank access rotate-ca'"
        return broken(_OURS, "keys", f"{opened[0]} can be read by other users", advice)
    if not paths:
        return fine(_OURS, "keys", "the key that signs is made at the first start")
    return fine(_OURS, "keys", f"keys that sign, or did, their owner's alone: {len(paths)}")


def restore_found(state_dir: Path) -> Finding:
    """Whether another state takes this one's place when the controller is started again."""
    try:
        since_unix_ms = put_off_at_unix_ms(state_dir)
    except EdgerankError as error:
        return broken(_OURS, "restore", str(error), "run this as the user of the controller")
    if since_unix_ms is None:
        return fine(_OURS, "restore", "no restore waits for the next start")
    return doubtful(
        _OURS,
        "restore",
        f"since {minute(since_unix_ms)} UTC a backup waits to take the place of what is in "
        f"{state_dir} at the next start, that of a crash or a reboot, too",
        "start the controller again, or take it back: "
        f"edgerank restore --forget --state '{state_dir}'",
    )


def serving_found(state_dir: Path, address: str, ask: Callable[[str], Caller]) -> Finding:
    """Whether the controller answers who examines it, with the login that is kept here."""
    try:
        caller = ask(address)
    except EdgerankError as error:
        found, _, advice = str(error).partition("; ")
        if error.code is not ErrorCode.UNREACHABLE:
            return broken(_OURS, "serving", found, advice or "log in again")
        if _is_served(state_dir):
            advice = "name the address that it listens on, with --controller"
            return broken(_OURS, "serving", f"a controller serves {state_dir}, but {found}", advice)
        if _is_taken(address):
            advice = "end that program, or give the controller another port with --port"
            return broken(_OURS, "serving", f"another program listens at {address}", advice)
        return doubtful(_OURS, "serving", found, "start it with 'edgerank controller'")
    scopes = ", ".join(scope.value for scope in caller.scopes) or "nothing"
    return fine(_OURS, "serving", f"it answers; {caller.caller.value} may do: {scopes}")


def _is_served(state_dir: Path) -> bool:
    path = state_dir / "controller.lock"
    if not path.exists():
        return False
    try:
        with FileLock(path, fallback_to_soft=False).acquire(blocking=False):
            return False
    except (Timeout, OSError):
        return True


def _is_taken(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=_CONNECT_S):
            return True
    except (OSError, ValueError, OverflowError):
        return False


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None

"""The state folder: whose it is, and whether what it keeps can be read."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from agent.errors import AgentError
from agent.link.identity import Identity, load_identity
from agent.link.kept.spool import REFUSED
from agent.link.kept.spool_file import list_set_aside
from agent.state_folder import device_id
from protos.checks import (
    CheckedSide,
    CheckOutcome,
    Finding,
    access_found,
    broken,
    doubtful,
    fine,
    room_found,
)
from sandbox.ownership import nearest, open_to_others

# The largest artifact of the catalog, its report, and a trace.
NEEDED_BYTES = 2_000_000_000


def folder_found(folder: Path, needed_bytes: int = NEEDED_BYTES) -> Iterator[Finding]:
    """Whether the folder can be used, by its owner alone, and has room."""
    place = nearest(folder)
    found = access_found(
        CheckedSide.AGENT,
        folder,
        place,
        is_writable=os.access(place, os.W_OK | os.X_OK),
        open_paths=open_to_others(folder) if place == folder else (),
        at_stake=", the device's key with it",
    )
    yield found
    if found.outcome is CheckOutcome.FAILED:
        return
    free_bytes = shutil.disk_usage(place).free
    yield room_found(CheckedSide.AGENT, "room", str(place), free_bytes, needed_bytes)


def identity_found(folder: Path) -> tuple[Finding, Identity | None]:
    """Whether the device knows who it is, and its papers if it has any."""
    try:
        identity = load_identity(folder)
        if identity is not None:
            known = f"the device is {identity.device_id}, by a certificate"
            return fine(CheckedSide.AGENT, "identity", known), identity
        if (folder / "device_id").exists():
            known = f"the device is {device_id(folder)}, without a certificate"
            return fine(CheckedSide.AGENT, "identity", known), None
    except AgentError as error:
        found, _, advice = str(error).partition(": ")
        return broken(CheckedSide.AGENT, "identity", found, advice), None
    return doubtful(
        CheckedSide.AGENT,
        "identity",
        "this device is in no fleet yet",
        "start it with 'edgerank agent --join' and a token of 'edgerank token create'",
    ), None


def spool_found(folder: Path) -> Finding:
    """Whether reports that wait can be read; the file is not changed."""
    path = folder / "spool.sqlite"
    if not path.exists():
        return fine(CheckedSide.AGENT, "spool", "no reports wait")
    try:
        database = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        try:
            [(told,)] = database.execute("PRAGMA quick_check(1)")
            [(count,)] = database.execute("SELECT count(*) FROM report")
        finally:
            database.close()
    except sqlite3.Error as error:
        told, count = str(error), 0
    if told != "ok":
        return broken(
            CheckedSide.AGENT,
            "spool",
            f"{path} is damaged: {told}",
            "start the agent; it sets it aside and delivers what can still be read of it",
        )
    if count:
        found = f"reports that wait to be delivered: {count}"
        return doubtful(CheckedSide.AGENT, "spool", found, "start the agent; it delivers them")
    if aside := list_set_aside(path):
        found = f"no reports wait; one that was damaged is in {aside[-1]}"
        advice = f"look after the disk; remove {aside[-1].parent} when nobody wants it"
        return doubtful(CheckedSide.AGENT, "spool", found, advice)
    return fine(CheckedSide.AGENT, "spool", "no reports wait")


def refused_found(folder: Path) -> Finding:
    """Whether the controller took every report."""
    refused = folder / REFUSED
    count = len(tuple(refused.glob("*.report")))
    if not count:
        return fine(CheckedSide.AGENT, "refused", "no report was refused")
    return doubtful(
        CheckedSide.AGENT,
        "refused",
        f"reports that the controller did not take: {count}, in {refused}",
        "the log of the agent says why; keep them for who runs the controller, or remove them",
    )

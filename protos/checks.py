"""What an examination of a machine finds, and the rules of it that both sides share.

The rules judge what was read; whoever reads it is on either side.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final

OLDEST_PYTHON: Final = (3, 10)
NEWEST_PYTHON: Final = (3, 13)
# No release of edgerank is older, so a clock that says so was never set: 2026-01-01.
EARLIEST_UNIX_MS: Final = 1_767_225_600_000
_TEN_YEARS_MS: Final = 10 * 366 * 24 * 3_600_000
_HOUR_MS: Final = 3_600_000
# As Python calls them; Android has a name of its own since 3.13.
_SYSTEMS: Final = ("Linux", "Android")


class CheckedSide(Enum):
    """Which side of a fleet was examined."""

    AGENT = "agent"
    """What measures on this machine."""
    CONTROLLER = "controller"
    """What serves on this machine."""


class CheckOutcome(Enum):
    """What a check came to."""

    OK = "ok"
    """Nothing is wrong."""
    WARNING = "warning"
    """It works, and less than it could be, or less is known than could be."""
    FAILED = "failed"
    """Something does not work until it is mended."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What one check of an examination found.

    Attributes:
        side: what was examined.
        check: name of the check.
        outcome: what it came to.
        found: what is so, for people; its wording may change.
        advice: what to do about it; empty where nothing is to be done.
    """

    side: CheckedSide
    check: str
    outcome: CheckOutcome
    found: str
    advice: str = ""


def fine(side: CheckedSide, check: str, found: str) -> Finding:
    """Nothing is wrong."""
    return Finding(side=side, check=check, outcome=CheckOutcome.OK, found=found)


def doubtful(side: CheckedSide, check: str, found: str, advice: str) -> Finding:
    """It works, and could be better."""
    return Finding(side=side, check=check, outcome=CheckOutcome.WARNING, found=found, advice=advice)


def broken(side: CheckedSide, check: str, found: str, advice: str) -> Finding:
    """It does not work."""
    return Finding(side=side, check=check, outcome=CheckOutcome.FAILED, found=found, advice=advice)


def platform_found(
    side: CheckedSide, system: str, release: str, python: tuple[int, int]
) -> Finding:
    """Whether system and interpreter are of those that edgerank runs on."""
    found = f"Python {python[0]}.{python[1]} on {system} {release}"
    if system not in _SYSTEMS:
        return broken(side, "platform", found, "run it on Linux, Android's included")
    if not OLDEST_PYTHON <= python <= NEWEST_PYTHON:
        return broken(side, "platform", found, "use a Python from 3.10 to 3.13")
    return fine(side, "platform", found)


def clock_found(side: CheckedSide, now_unix_ms: int, newest_unix_ms: int) -> Finding:
    """Whether the clock may be right.

    Args:
        side: whose.
        now_unix_ms: what it says, ms since 1970.
        newest_unix_ms: when the newest file of the state folder was written, by it; 0 for none.
    """
    advice = "set it, and let NTP keep it"
    if not EARLIEST_UNIX_MS <= now_unix_ms <= EARLIEST_UNIX_MS + _TEN_YEARS_MS:
        return broken(side, "clock", "the clock is years off", advice)
    if newest_unix_ms > now_unix_ms + _HOUR_MS:
        hours = (newest_unix_ms - now_unix_ms) // _HOUR_MS
        found = f"the state folder was written {hours} h later than the clock says it is"
        return doubtful(side, "clock", found, advice)
    return fine(side, "clock", "the clock may be right")


def descriptors_found(side: CheckedSide, limit: int, needed: int, wanted: int) -> Finding:
    """Whether enough files and connections may be open at once.

    Args:
        side: whose.
        limit: how many may; below 0, any number.
        needed: without so many it does not work.
        wanted: for a fleet of some size.
    """
    if limit < 0:
        return fine(side, "descriptors", "any number of files and connections may be open")
    found = f"{limit:,} files and connections may be open at once"
    advice = f"raise it to {wanted:,} or more: 'ulimit -n', or LimitNOFILE of its unit"
    if limit < needed:
        return broken(side, "descriptors", found, advice)
    if limit < wanted:
        return doubtful(side, "descriptors", found, advice)
    return fine(side, "descriptors", found)


def access_found(
    side: CheckedSide,
    folder: Path,
    place: Path,
    *,
    is_writable: bool,
    open_paths: Sequence[Path],
    at_stake: str = "",
) -> Finding:
    """Whether a state folder can be used, by its owner alone.

    Args:
        side: whose.
        folder: the folder.
        place: it, or the nearest one above it that is there.
        is_writable: whether `place` can be written.
        open_paths: what of the folder others can read.
        at_stake: what they read with it, as the end of a sentence's half.
    """
    if not is_writable:
        advice = f"examine it as the {side.value}'s user, or make it writable for that"
        return broken(side, "folder", f"{place} cannot be written", advice)
    if open_paths:
        return doubtful(
            side,
            "folder",
            f"{open_paths[0]} can be read by other users{at_stake}",
            f"chmod -R go= {folder}; the {side.value} does so at its next start",
        )
    if place == folder:
        return fine(side, "folder", f"{folder} is its user's alone")
    return fine(side, "folder", f"{folder} is made at the first start")


def room_found(
    side: CheckedSide, check: str, place: str, free_bytes: int, needed_bytes: int
) -> Finding:
    """Whether a disk has room."""
    found = f"{free_bytes / 1e9:.1f} GB free at {place}"
    if free_bytes >= needed_bytes:
        return fine(side, check, found)
    return broken(side, check, found, f"make room: {needed_bytes / 1e9:.1f} GB are needed")


def confinement_found(side: CheckedSide, missing: Collection[str], without: str) -> Finding:
    """Whether the kernel holds processes that read a stranger's file; `without` it, what is so."""
    if not missing:
        return fine(side, "confinement", "the kernel holds processes to files, without a network")
    found = f"the kernel cannot hold processes to: {', '.join(sorted(missing))}"
    return doubtful(side, "confinement", found, f"use Linux 6.2 or newer with Landlock; {without}")

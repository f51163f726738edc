"""What a board is, as a script of ours reads it there."""

import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from controller.domain.errors import EdgerankError, ErrorCode
from controller.server.deploying.ssh import Shell
from protos.names import printable

_LINE_LETTERS: Final = 65_536
_PYTHON: Final = re.compile(r"(\d{1,2})\.(\d{1,3}) (\d{2}) (venv|nopip|bare) (/.*)")


class Service(Enum):
    """What starts an agent again."""

    SYSTEM = "system"
    """systemd, for the machine."""
    USER = "user"
    """systemd, for one user."""
    SCRIPT = "script"
    """A script of ours, where there is no systemd."""


@dataclass(frozen=True)
class Python:
    """An interpreter of a board.

    Attributes:
        version: major and minor.
        bits: of a pointer.
        makes_environments: whether its module venv is there.
        has_pip: whether an environment of it can be given pip without one being brought.
        path: of its executable.
    """

    version: tuple[int, int]
    bits: int
    makes_environments: bool
    has_pip: bool
    path: str


@dataclass(frozen=True, kw_only=True)
class Board:
    """A machine that is to run an agent.

    Attributes:
        system: its kernel's name, as Linux.
        machine: its kernel's architecture, as aarch64.
        user_bits: of a `long` of its userland; None where it does not tell.
        glibc: version of its C library; None where that is another one.
        is_musl: whether that is musl.
        pythons: its interpreters, the one called python3 first.
        broken_pythons: paths of those that do not start.
        free_bytes: of the disk that the agent would be on; None where it does not tell.
        clock_ahead_s: by how much its clock is ahead of ours, in seconds.
        service: what would start the agent again.
        base: folder of all that is deployed there.
        home: of who is logged in.
        hostname: what it calls itself.
    """

    system: str
    machine: str
    user_bits: int | None
    glibc: tuple[int, int] | None
    is_musl: bool
    pythons: tuple[Python, ...]
    free_bytes: int | None
    clock_ahead_s: int
    service: Service
    base: str
    home: str
    hostname: str
    broken_pythons: tuple[str, ...] = ()


def read_facts(printed: str) -> dict[str, list[str]]:
    """The values of each name of NAME=VALUE; other lines, as greetings, are passed over."""
    facts: dict[str, list[str]] = {}
    for line in printed.splitlines():
        name, equals, value = line[:_LINE_LETTERS].partition("=")
        if equals and name.replace("_", "").isalnum():
            facts.setdefault(name, []).append(value.strip())
    return facts


async def examine(shell: Shell) -> Board:
    """What a board is.

    Raises:
        EdgerankError: UNREACHABLE, EXECUTION for what tells nothing that makes sense.
    """
    said = await shell.run("examine")
    return parse_board(said.out, shell.where, time.time())


def parse_board(printed: str, where: str, now_s: float) -> Board:
    """What a board says of itself; `now_s` is our clock, in s since 1970 UTC.

    Raises:
        EdgerankError: EXECUTION.
    """
    facts = read_facts(printed)

    def one(name: str) -> str:
        return facts.get(name, [""])[0]

    base, home = one("base"), one("home")
    services = {each.value: each for each in Service}
    if not _is_path(base) or not _is_path(home) or one("service") not in services:
        raise EdgerankError(
            ErrorCode.EXECUTION,
            f"{where} does not tell what it is; see that 'ssh {where} sh' gives a shell there",
        )
    unix_s, free_kib = _number(one("unix_s")), _number(one("free_kib"))
    return Board(
        system=printable(one("system"))[:40],
        machine=printable(one("machine"))[:40],
        user_bits=_number(one("user_bits")),
        glibc=_version(one("glibc")),
        is_musl="musl" in facts and not one("glibc"),
        pythons=tuple(_pythons(facts.get("python", ()))),
        free_bytes=None if free_kib is None else free_kib * 1024,
        clock_ahead_s=0 if unix_s is None else round(unix_s - now_s),
        service=services[one("service")],
        base=base,
        home=home,
        hostname=printable(one("hostname"))[:64],
        broken_pythons=tuple(filter(_is_path, facts.get("broken_python", ()))),
    )


def _pythons(lines: Iterable[str]) -> Iterable[Python]:
    for line in dict.fromkeys(lines):
        if (match := _PYTHON.fullmatch(line)) and _is_path(match[5]):
            version = (int(match[1]), int(match[2]))
            makes, has_pip = match[4] != "bare", match[4] == "venv"
            yield Python(version, int(match[3]), makes, has_pip, match[5])


def _is_path(text: str) -> bool:
    """Whether it is a whole path, which may be shown as it is."""
    return text.startswith("/") and text.isprintable()


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else None


def _version(text: str) -> tuple[int, int] | None:
    match = re.search(r"(\d{1,3})\.(\d{1,3})", text)
    return None if match is None else (int(match[1]), int(match[2]))

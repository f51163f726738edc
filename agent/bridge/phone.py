"""One phone: what its shell is told, and which files it has."""

import shlex
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Final

from agent.artifacts.files import digest_of
from agent.bridge.adb.server import AdbServer
from agent.bridge.adb.shell import Ran, Shell
from agent.errors import AgentError

FOLDER: Final = PurePosixPath("/data/local/tmp/edgerank")
"""All that is ours on the phone."""

_ARTIFACTS: Final = FOLDER / "artifacts"
_PATIENCE_S: Final = 20.0
# A digest of the largest file, on the slowest storage.
_LONG_S: Final = 180.0
_CHUNK_BYTES: Final = 1024**2
# What a phone needs for itself, beside what it is sent.
SPARE_BYTES: Final = 64 * 1024**2
_BYTES_PER_BLOCK: Final = 1024


class PhoneRefuses(AgentError):
    """The phone answers, and does not do what it is asked; one sentence."""


class PhoneFull(PhoneRefuses):
    """There is no room on the phone."""


@dataclass
class Phone:
    """A phone that hangs on this computer.

    Attributes:
        server: of adb.
        serial: as adb names it.
        limit_bytes: how much of it artifacts may take.
        spare_bytes: how much is to be free on it besides.
    """

    server: AdbServer
    serial: str
    limit_bytes: int = 4_000_000_000
    spare_bytes: int = SPARE_BYTES
    _checked: set[str] = field(default_factory=set)

    def start(self, command: str, patience_s: float = _PATIENCE_S) -> Shell:
        """Start a command.

        Raises:
            PhoneAway: the phone is not there, or not to be used.
        """
        return Shell(self.server.opened(self.serial, f"shell,v2,raw:{command}", patience_s))

    def run(self, command: str, patience_s: float = _PATIENCE_S) -> Ran:
        """Run a command to its end, which may keep silent for so long.

        Raises:
            PhoneAway: the phone is not there, or does not answer in time.
        """
        with self.start(command, patience_s) as shell:
            shell.end_input()
            return shell.ended()

    def answers(self, patience_s: float) -> bool:
        """Whether its shell does something within a time.

        Raises:
            PhoneAway: it is not there, or not to be used.
        """
        return self.run("echo here", patience_s).text.strip() == "here"

    def bring(
        self,
        content: Path,
        place: PurePosixPath | None = None,
        *,
        still_wanted: Callable[[], None] = lambda: None,
    ) -> PurePosixPath:
        """A file's place on the phone, where it is sent unless it is there: by digest.

        What has come of it stays when the connection breaks, and is gone on from.

        Args:
            content: of this computer.
            place: where it is to be, in a folder of its own; None is among the artifacts.
            still_wanted: asked between two pieces; raises what ends the sending.

        Raises:
            PhoneAway: the phone went.
            PhoneFull: there is no room.
            PhoneRefuses: it does not keep what it is sent.
        """
        with content.open("rb") as stream:
            sha256 = digest_of(stream).hexdigest()
            place = place or _ARTIFACTS / sha256
            if str(place) not in self._checked:
                self._place(stream, place, sha256, still_wanted)
                self._checked.add(str(place))
        # Those used longest ago make room first.
        # One that somebody removed meanwhile is not made anew, empty.
        done = self.run(f"touch -c {_quoted(place)} && chmod 755 {_quoted(place)}")
        if done.code:
            self._checked.discard(str(place))
            raise PhoneRefuses(f"the phone {self.serial} does not keep {place}: {done.words}")
        return place

    def _place(
        self,
        stream: IO[bytes],
        place: PurePosixPath,
        sha256: str,
        still_wanted: Callable[[], None],
    ) -> None:
        size, at = stream.seek(0, 2), _quoted(place)
        told = self.run(
            f"mkdir -p {_quoted(place.parent)} && if [ -f {at} ]; then sha256sum {at}; "
            f"elif [ -f {at}.part ]; then wc -c <{at}.part; else echo 0; fi",
            _LONG_S,
        )
        if told.code:
            raise PhoneRefuses(f"the phone {self.serial} keeps nothing in {FOLDER}: {told.words}")
        first = (told.text.split() or ["0"])[0]
        if first == sha256:
            return
        offset = int(first) if first.isdecimal() and int(first) <= size else 0
        if not offset:
            self.run(f"rm -f {at} {at}.part")
        self._make_room(size - offset, keep=place.name)
        self._append(stream, offset, f"{at}.part", still_wanted)
        moved = self.run(
            f"echo {sha256}  {at}.part | sha256sum -c >/dev/null && mv {at}.part {at}", _LONG_S
        )
        if moved.code:
            self.run(f"rm -f {at}.part")
            raise PhoneRefuses(
                f"the phone {self.serial} keeps other bytes than it was sent ({moved.words}): send "
                "them again, and look at its storage if that does not help"
            )

    def _append(
        self, stream: IO[bytes], offset: int, at: str, still_wanted: Callable[[], None]
    ) -> None:
        stream.seek(offset)
        with self.start(f"cat >>{at}", _LONG_S) as shell:
            while chunk := stream.read(_CHUNK_BYTES):
                still_wanted()
                shell.give(chunk)
            shell.end_input()
            done = shell.ended()
        if done.code:
            raise self._full(done.words)

    def _make_room(self, needed: int, keep: str) -> None:
        """Remove artifacts that were used longest ago, beyond what they may take or what is free.

        Raises:
            PhoneFull: there is no room all the same.
        """
        told = self.run(
            f"df -k {FOLDER} | tail -n 1; cd {_ARTIFACTS} 2>/dev/null && stat -c '%Y %s %n' *"
        )
        first, *rest = told.text.splitlines() or [""]
        free = _free_bytes(first)
        kept = [line.split(" ", 2) for line in rest if len(line.split(" ", 2)) == 3]
        files = sorted((int(at), int(size), name) for at, size, name in kept)
        used = sum(size for _, size, _ in files)
        for _, size, name in files:
            enough = free is None or free >= needed + self.spare_bytes
            if enough and used + needed <= self.limit_bytes:
                break
            if name.startswith(keep):
                continue
            self.run(f"rm -f {_quoted(_ARTIFACTS / name)}")
            self._checked.discard(str(_ARTIFACTS / name))
            used -= size
            free = None if free is None else free + size
        if free is not None and free < needed + self.spare_bytes:
            raise self._full(f"{free} bytes are free and {needed + self.spare_bytes} are needed")

    def _full(self, words: str) -> PhoneFull:
        return PhoneFull(
            f"there is no room on the phone {self.serial} in {FOLDER} ({words}): remove something "
            "from it"
        )


def _free_bytes(line: str) -> int | None:
    """Of df's line: file system, blocks, used, available, ..."""
    words = line.split()
    is_told = len(words) >= 4 and words[3].isdecimal()
    return int(words[3]) * _BYTES_PER_BLOCK if is_told else None


def _quoted(path: PurePosixPath) -> str:
    return shlex.quote(str(path))

"""Runs one program on a phone, to its end, on the cores and within the memory that it may use."""

import re
import shlex
import signal
from collections.abc import Container, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from agent.bridge.adb.shell import signalled
from agent.bridge.phone import Phone
from agent.child.last_words import last_words_of
from agent.child.programs.repeating import Run
from agent.device.kernel_files import cpu_numbers
from agent.runtimes import RuntimeRefused
from sandbox.endings import ending_of

_KIB: Final = 1024
# Of a shell, for what it cannot run.
_NOT_STARTED: Final = (126, 127)
# Reading is all that a phone is asked for meanwhile; who started this process ends it in time.
_SILENCE_S: Final = 24 * 3_600.0
_ENDED: Final = re.compile(r"^edgerank: ended with ([0-9]{1,3})$", re.MULTILINE)
# As toybox tells it behind what the program said.
_PEAK: Final = re.compile(r"^Max RSS \(KiB\): ([0-9]{1,12})$", re.MULTILINE)
_TIMED: Final = re.compile(r"^ ?Real time \(s\): ", re.MULTILINE)
_START: Final = '"$@"; echo "edgerank: ended with $?" >&2'


@dataclass(frozen=True, kw_only=True)
class PhoneRunning:
    """A program on a phone, and what each of its runs is held to.

    Attributes:
        phone: which.
        place: of the program there; its libraries are beside it.
        memory_limit_bytes: of private writable memory; 0 is none.
        cores: that it runs on; empty is as the phone's shell may.
    """

    phone: Phone
    place: PurePosixPath
    memory_limit_bytes: int
    cores: tuple[int, ...]

    def run(self, arguments: Sequence[str], codes: Container[int] = (0,)) -> Run:
        """Run it to its end; when the connection to it ends, it is killed.

        Args:
            arguments: of the program.
            codes: with which it may end.

        Raises:
            RuntimeRefused: it did not start, or ended with another code.
            PhoneAway: the phone went.
        """
        with self.phone.start(self._script(arguments), _SILENCE_S) as shell:
            ran = shell.ended()
        said = ran.errors.decode(errors="replace")
        ended, peak = _ENDED.search(said), _PEAK.search(said)
        code = ran.code if ended is None else int(ended[1])
        if code in _NOT_STARTED:
            raise RuntimeRefused(
                f"{self.place.name} does not run on the phone {self.phone.serial}: name one that "
                "was built for Android"
            )
        returncode = signalled(code)
        if ended is None or code not in codes:
            words = last_words_of(_own_words(said, returncode) or ran.text)
            raise RuntimeRefused(f"{self.place.name} {ending_of(returncode)}, {words}")
        if peak is None:
            raise RuntimeRefused(
                f"the phone's toybox does not tell how much memory {self.place.name} needed: "
                "measure on Android 11 or newer, or with edgerank's own runner"
            )
        # Some versions say on this stream what others say on that one.
        text = f"{ran.text}\n{_own_words(said)}"
        return Run(text=text, peak_rss_bytes=int(peak[1]) * _KIB)

    def affinity(self) -> tuple[int, ...]:
        """The cores that every run is on, as the phone's kernel tells.

        Raises:
            PhoneAway: the phone went.
        """
        told = self.phone.run(f"{self._on_cores()}grep Cpus_allowed_list /proc/self/status")
        return cpu_numbers(told.text.partition(":")[2].strip())

    def _script(self, arguments: Sequence[str]) -> str:
        folder = shlex.quote(str(self.place.parent))
        words = " ".join(shlex.quote(each) for each in (str(self.place), *arguments))
        limit = f"ulimit -d {self.memory_limit_bytes // _KIB}; " if self.memory_limit_bytes else ""
        # What adbd ends with the connection is its shell alone, and no trap of that is sure to hear
        # of it: mksh sleeps through a signal that comes just before it waits. So what leads to the
        # phone's input stays open, and whoever reads its end takes all the group along.
        return (
            f"cd {folder} && export LD_LIBRARY_PATH={folder}; ulimit -c 0; {limit}"
            "exec 3<&0 </dev/null; (read -r _ <&3; kill -KILL 0) & "
            f"{self._on_cores()}toybox time -v sh -c {shlex.quote(_START)} sh {words}; "
            "code=$?; kill -KILL $!; exit $code"
        )

    def _on_cores(self) -> str:
        mask = sum(1 << core for core in self.cores)
        return f"taskset {mask:x} " if mask else ""


def _own_words(said: str, returncode: int = 0) -> str:
    """What the program said, without what its shell and toybox say behind it."""
    for end in (_ENDED, _TIMED):
        found = end.search(said)
        said = said if found is None else said[: found.start()]
    named = signal.strsignal(-returncode) if returncode < 0 else None
    *before, last = said.rstrip().split("\n")
    return "\n".join(before) if named and last.startswith(named) else said

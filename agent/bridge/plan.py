"""What a relay is to start on which phone, and how it tells that it lost it."""

import json
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from agent.bridge.adb.server import AdbServer, NoAdbServer, PhoneAway
from agent.bridge.phone import Phone

LOST_CODE: Final = 75
"""Exit code of a relay that lost the phone."""

MOST_BYTES: Final = 64 * 1024**2
"""That a relay keeps of what is said on the phone."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a relay is to start where.

    Attributes:
        host: of the adb server.
        port: likewise; None where `host` is the path of a socket.
        serial: of the phone.
        program: its place on the phone.
        folder: of this computer, for what is read of the phone.
        lost: a file that is made when the phone is lost.
    """

    host: str
    port: int | None
    serial: str
    program: str
    folder: str
    lost: str

    def command(self, module: str) -> tuple[str, ...]:
        """What starts the relay that a module is."""
        return (sys.executable, "-m", module, json.dumps(asdict(self)))

    @property
    def phone(self) -> Phone:
        """The phone."""
        return Phone(AdbServer(self.host, self.port), self.serial)

    @property
    def place(self) -> PurePosixPath:
        """Where the program is."""
        return PurePosixPath(self.program)


@contextmanager
def losing(plan: Plan) -> Iterator[None]:
    """Let the relay end with a code and a file of its own where the phone is lost meanwhile."""
    try:
        yield
    except (PhoneAway, NoAdbServer) as error:
        sys.stderr.write(f"the phone {plan.serial} was lost: {error}\n")
        Path(plan.lost).touch()
        sys.exit(LOST_CODE)


def limit_relay() -> None:
    """Let no program on a phone fill the disk or the memory of this computer, nor leave a core."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_BYTES, MOST_BYTES))

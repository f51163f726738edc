"""A link between an adb server and its phone that is slow, and is cut: a proxy beside the phone.

As a program it is that proxy, in the phone's network: it prints its port, and does what each line
of its input says.
"""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Final

from agent.bridge.adb.server import READY
from tests.faults.proxy import Link
from tests.integration.bridge.standing_in import SERIAL, StandIn, await_that
from tests.pages import ROOT

_SLOW: Final = "slow"
_CUT: Final = "cut"
_WHOLE: Final = "whole"


@dataclass(frozen=True)
class Cable:
    """What a phone hangs on, under a serial of its own.

    Attributes:
        stand_in: the phone.
        port: of the proxy, in the phone's network.
        orders: what the proxy is told by.
    """

    stand_in: StandIn
    port: int
    orders: IO[str]

    @property
    def serial(self) -> str:
        """By which adb names the phone at this end."""
        return f"127.0.0.1:{self.port}"

    @property
    def name(self) -> str:
        """As which the phone joins."""
        return f"Pixel-6-{self.serial[-4:]}"

    def slow_down(self) -> None:
        """Half a megabyte a second from now on."""
        self._tell(_SLOW)

    def cut(self) -> None:
        """End what is under way, and let nothing through until it is mended."""
        self._tell(_CUT)

    def mend(self) -> None:
        """Be a quick and whole one; the phone hangs on it again."""
        self._tell(_WHOLE)
        # One that adb still calls offline is not connected anew.
        _asked(self.stand_in, f"host:disconnect:{self.serial}")

        def hangs() -> bool:
            _asked(self.stand_in, f"host:connect:{self.serial}")
            states = {each.serial: each.state for each in self.stand_in.server.listed()}
            return states.get(self.serial) == READY

        await_that(hangs, f"the phone does not hang on {self.serial}")

    def _tell(self, word: str) -> None:
        self.orders.write(f"{word}\n")
        self.orders.flush()


def _asked(stand_in: StandIn, request: str) -> None:
    """Have the adb server do something; what came of it is seen by what it lists."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(stand_in.socket))
        connection.sendall(b"%04x%s" % (len(request), request.encode()))
        while connection.recv(4096):
            pass


@contextmanager
def plugged_into(stand_in: StandIn) -> Iterator[Cable]:
    """A phone that hangs on a cable besides; it is a quick one at first."""
    inside = ["nsenter", "--target", str(stand_in.process_id), "--net"]
    if os.getuid() != 0:
        inside += ["--user", "--preserve-credentials"]
    with subprocess.Popen(
        [*inside, sys.executable, "-m", __name__],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as proxy:
        assert proxy.stdin is not None
        assert proxy.stdout is not None
        cable = Cable(stand_in, int(proxy.stdout.readline()), proxy.stdin)
        cable.mend()
        # Its input ends behind this, and it with that.
        yield cable


async def _carry() -> None:
    link = Link()
    host, port = SERIAL.split(":")
    link.target = (host, int(port))
    await link.open("127.0.0.1", 0)
    sys.stdout.write(f"{link.port}\n")
    sys.stdout.flush()
    while order := (await asyncio.to_thread(sys.stdin.readline)).strip():
        link.is_slow, link.is_refusing = order == _SLOW, order == _CUT
        if order == _CUT:
            link.cut()
    await link.close()


if __name__ == "__main__":
    asyncio.run(_carry())

"""Holds a phone as a measurement wants it: its turn at the hub, its screen, its governor."""

import shlex
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import Enum
from typing import Final

from agent.bridge.adb.server import NoAdbServer, PhoneAway
from agent.bridge.phone import FOLDER, Phone, PhoneRefuses
from agent.measuring.supervision import Cancellation

_LOOK_S: Final = 0.2
_GOVERNORS: Final = FOLDER / "governors"
# What was set before is kept on the phone, so that whoever comes next sets it again.
_SET: Final = f"""
for policy in /sys/devices/system/cpu/cpufreq/policy*; do
    grep -qw performance $policy/scaling_available_governors || continue
    echo $policy $(cat $policy/scaling_governor) >>{_GOVERNORS}
    echo performance >$policy/scaling_governor
done"""
_RESTORE: Final = f"""
[ -f {_GOVERNORS} ] || exit 0
while read -r policy governor; do echo $governor >$policy/scaling_governor; done <{_GOVERNORS}
rm -f {_GOVERNORS}"""


class Screen(Enum):
    """What a phone's screen is to do while it measures."""

    AS_IT_IS = "as-is"
    ON = "on"
    OFF = "off"


_KEYS: Final = {Screen.ON: "KEYCODE_WAKEUP", Screen.OFF: "KEYCODE_SLEEP"}


class Turns:
    """One measurement at a time for all phones of a hub."""

    def __init__(self) -> None:
        self._of_hub: dict[str, threading.Lock] = defaultdict(threading.Lock)

    def of(self, place: str) -> threading.Lock:
        """Whose holder has the turn, at the hub that a place as in `usb:1-4.2` is of."""
        return self._of_hub[hub_of(place)]


def hub_of(place: str) -> str:
    """The hub: the place without its last port; phones of no place share one."""
    return place.rpartition(".")[0] or place.partition("-")[0]


@dataclass(frozen=True, kw_only=True)
class Holding:
    """What holds while a phone measures.

    Attributes:
        phone: which.
        screen: what its screen is to do.
        root: whether its governor may be set.
        turn: held by whoever measures; None where all may at once.
    """

    phone: Phone
    screen: Screen = Screen.AS_IT_IS
    root: bool = False
    turn: "threading.Lock | None" = None

    @contextmanager
    def __call__(self, cancellation: Cancellation) -> Iterator[None]:
        """Let it hold, from when it is the phone's turn."""
        with _held(self.turn, cancellation):
            if self.screen is not Screen.AS_IT_IS:
                self.phone.run(f"input keyevent {_KEYS[self.screen]}")
            if not self.root:
                yield
                return
            with self._fastest():
                yield

    def restore(self) -> None:
        """Set the governors that one who did not end well has left.

        Raises:
            PhoneAway: the phone went.
            PhoneRefuses: it lets nobody be root.
        """
        if self.root:
            self._as_root(_RESTORE)

    @contextmanager
    def _fastest(self) -> Iterator[None]:
        # What one who went has left would else be taken for the phone's own.
        self._as_root(_RESTORE)
        try:
            self._as_root(_SET)
            yield
        finally:
            # One that went is restored when it is back.
            with suppress(PhoneAway, NoAdbServer):
                self._as_root(_RESTORE)

    def _as_root(self, script: str) -> None:
        quoted = shlex.quote(script)
        done = self.phone.run(
            f"mkdir -p {FOLDER}; if [ $(id -u) = 0 ]; then sh -c {quoted}; else su -c {quoted}; fi"
        )
        if done.code:
            raise PhoneRefuses(
                f"the phone {self.phone.serial} does not set its governor as root ({done.words}): "
                "allow it for the shell there, or start without --root"
            )


@contextmanager
def _held(turn: "threading.Lock | None", cancellation: Cancellation) -> Iterator[None]:
    if turn is None:
        yield
        return
    while not turn.acquire(timeout=_LOOK_S):
        cancellation.raise_if_cancelled()
    try:
        yield
    finally:
        turn.release()

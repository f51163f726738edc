"""The states of phones in words: what is the matter, and what to do next."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from agent.bridge.adb.server import READY

GONE: Final = "gone"
"""The state of a phone that hangs nowhere."""
SILENT: Final = "silent"
"""The state of a phone that adb calls ready, and that answers nothing."""

_ADVICE: Mapping[str, str] = MappingProxyType(
    {
        GONE: "is not plugged in: plug it in, and switch USB debugging on in its developer options",
        SILENT: "hangs: it answers nothing though adb calls it ready; unplug it, or start it anew",
        "offline": "is offline to adb: unlock it, or unplug it and plug it in again",
        "unauthorized": "does not trust this computer: unlock it and allow USB debugging there",
        "authorizing": "is being asked whether it trusts this computer: unlock it and look",
        "no permissions": (
            "may not be opened by this user: install Android's udev rules, or start the adb server "
            "as a user who may"
        ),
        "recovery": "is in its recovery: start it as usual",
        "sideload": "waits for an update: start it as usual",
        "rescue": "is in its rescue mode: start it as usual",
        "bootloader": "is in its boot loader: start it as usual",
        "connecting": "is being connected: wait a moment",
        "host": "is a computer to adb, and no phone: name another",
    }
)


def words_of(serial: str, state: str) -> str:
    """What is the matter with a phone that cannot be used, and what to do."""
    known = _ADVICE.get(state, f"is in the state {state!r} to adb: start it as usual")
    return f"the phone {serial} {known}"


def is_ready(state: str) -> bool:
    """Whether a phone of this state does what it is asked."""
    return state == READY

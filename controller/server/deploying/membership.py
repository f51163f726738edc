"""Whether a board's agent has to join, and as whom: a pure rule."""

from collections.abc import Sequence
from dataclasses import dataclass

from controller.domain.devices import Device
from controller.domain.errors import EdgerankError, ErrorCode
from controller.server.deploying.installed import Standing


@dataclass(frozen=True)
class Entry:
    """That an agent has to join.

    Attributes:
        device: whose history it goes on with; None makes a new device.
    """

    device: str | None


def entry_of(
    standing: Standing, devices: Sequence[Device], name: str, rejoin: bool, where: str
) -> Entry | None:
    """How the agent of a board joins; None for one that has joined.

    Raises:
        EdgerankError: NAME_TAKEN when another device has the name, PRECONDITION when the board is
            in the fleet of another controller.
    """
    named = next((each for each in devices if each.name == name), None)
    known = next((each for each in devices if each.device_id == standing.device_id), None)
    if rejoin:
        return Entry(None if named is None else name)
    if named is not None and named is not known:
        raise EdgerankError(
            ErrorCode.NAME_TAKEN,
            f"another device is named {name!r} already: give {where} another name with --name, or, "
            "if it is that device, let it go on with its history by --rejoin",
        )
    if standing.device_id is not None and known is None:
        raise EdgerankError(
            ErrorCode.PRECONDITION,
            f"the agent on {where} is a device that this controller does not know: let it join "
            "this one with --rejoin, or ask the other with --controller",
        )
    return None if known is not None else Entry(None)

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
    standing: Standing,
    devices: Sequence[Device],
    name: str,
    where: str,
    *,
    rejoin: bool,
    named: bool,
) -> Entry | None:
    """How the agent of a board joins; None for one that has joined.

    Args:
        standing: what was deployed there.
        devices: of the fleet.
        name: of the device.
        where: the board, as people write it.
        rejoin: whether it joins anew, as the device of that name where there is one.
        named: whether a person said the name; else the board did, to which nobody's history goes.

    Raises:
        EdgerankError: NAME_TAKEN when another device has the name, PRECONDITION when the board is
            in the fleet of another controller.
    """
    bearer = next((each for each in devices if each.name == name), None)
    known = known_device(standing, devices)
    is_others = bearer is not None and bearer is not known
    if rejoin and (named or not is_others):
        return Entry(None if bearer is None else name)
    if is_others:
        raise EdgerankError(
            ErrorCode.NAME_TAKEN,
            f"another device is named {name!r} already: give {where} another name with --name, or, "
            f"if it is that device, let it go on with its history by --name {name} --rejoin",
        )
    if standing.device_id is not None and known is None:
        raise EdgerankError(
            ErrorCode.PRECONDITION,
            f"the agent on {where} is a device that this controller does not know: let it join "
            "this one with --rejoin, or ask the other with --controller",
        )
    return None if known is not None else Entry(None)


def known_device(standing: Standing, devices: Sequence[Device]) -> Device | None:
    """The device that a board's agent is in this fleet."""
    return next((each for each in devices if each.device_id == standing.device_id), None)

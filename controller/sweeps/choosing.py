"""Which devices a person means: by their names, by labels, or all."""

from collections.abc import Sequence
from dataclasses import dataclass

from controller.domain.devices import Device
from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.names import find_device, find_labelled, refuse_imported


@dataclass(frozen=True)
class Chosen:
    """The devices of a sweep.

    Attributes:
        devices: all of them, each once.
        named: ids of those that were named: what one of these cannot do refuses the sweep, while
            the others take part in what they can.
    """

    devices: tuple[Device, ...]
    named: tuple[str, ...]


def choose_devices(wanted: Sequence[str], known: Sequence[Device]) -> Chosen:
    """The devices that names and labels mean; every connected one without any.

    A label, as soc=rk3588, means every connected device that has it.

    Raises:
        EdgerankError: UNKNOWN_NAME for a name or label that no device has; PRECONDITION when none
            that is meant is connected.
    """
    chosen: dict[str, Device] = {}
    named: list[str] = []
    for each in dict.fromkeys(wanted):
        if "=" in each:
            chosen |= {device.device_id: device for device in _labelled(each, known)}
        else:
            device = find_device(known, each)
            refuse_imported(device)
            chosen[device.device_id] = device
            named.append(device.device_id)
    if not wanted:
        chosen = {device.device_id: device for device in known if device.connected}
    if not chosen:
        raise EdgerankError(
            ErrorCode.PRECONDITION,
            "no device is connected; start an agent that dials this controller",
        )
    return Chosen(tuple(chosen.values()), tuple(dict.fromkeys(named)))


def _labelled(label: str, known: Sequence[Device]) -> list[Device]:
    """The connected devices of a label."""
    labelled = find_labelled(known, label)
    connected = [device for device in labelled if device.connected]
    if not connected:
        names = ", ".join(device.name for device in labelled)
        raise EdgerankError(
            ErrorCode.PRECONDITION,
            f"no device with the label {label!r} is connected; start the agent of {names}",
        )
    return connected

"""Which devices a question means, and what of them an answer tells."""

from collections.abc import Hashable, Sequence

from controller.domain.devices import Device
from controller.domain.names import find_device, find_devices
from controller.domain.rankings.fleet import FleetQuestion


def told_of_device(device: Device) -> tuple[Hashable, ...]:
    """What an answer says of a device beside what was measured there."""
    profile = device.profile
    # As texts, whose hash is not made anew for each measurement that is looked for.
    runtimes = tuple(info.runtime.value for info in profile.working_runtimes)
    # One that was forgotten may have joined again.
    joined = device.device_id, device.enrolled_at_unix_ms
    return *joined, device.name, profile.emulator, runtimes


def meant_devices(question: FleetQuestion, known: Sequence[Device]) -> tuple[Device, ...]:
    """The devices that names and labels mean, connected or not; every one without any.

    Raises:
        EdgerankError: UNKNOWN_NAME.
    """
    devices = find_devices(known, question.devices)
    for name in question.shares:
        find_device(devices, name)
    return devices


def holders(known: Sequence[Device]) -> tuple[Device, ...]:
    """Of devices of one name the first, which is whom the name means: see `holder_of`."""
    by_name: dict[str, Device] = {}
    for each in known:
        by_name.setdefault(each.name, each)
    return tuple(by_name.values())

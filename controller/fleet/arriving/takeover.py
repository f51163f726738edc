"""Lets a new agent take a device over: asked for by the agent, and allowed by a person here."""

from collections.abc import Collection
from typing import Final

from controller.domain.devices import Device
from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.names import refuse_imported
from controller.fleet.clock import Clock
from controller.state.access.members import labels_of_member
from controller.state.database import Database
from controller.state.devices import device_of_agent, hand_over, list_devices
from protos.device import DeviceProfile
from protos.fleet import Hello

OPEN_FOR_MS: Final = 600_000


class Takeovers:
    """Which devices may be taken over now. Nobody else remembers: a restart allows none."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._allowed_until_ms: dict[str, int] = {}

    def allow(self, device: Device, connected: Collection[str]) -> int:
        """Lets one agent take a device over; gives for how long, ms.

        Args:
            device: which one.
            connected: the ids of the devices that are connected now.

        Raises:
            EdgerankError: PRECONDITION while it is connected, or where a certificate is its proof.
        """
        refuse_imported(device)
        if device.device_id in connected:
            raise EdgerankError(
                ErrorCode.PRECONDITION, f"{device.name} is connected; stop its agent first"
            )
        if labels_of_member(self._database, device.device_id) is not None:
            raise EdgerankError(
                ErrorCode.PRECONDITION,
                f"{device.name} joined by a token, which proves who it is; let its new agent join "
                f"by one of 'edgerank token create --device {device.name}'",
            )
        self._allowed_until_ms[device.device_id] = self._clock.monotonic_ms() + OPEN_FOR_MS
        return OPEN_FOR_MS

    def take_over(self, hello: Hello, connected: Collection[str]) -> None:
        """Gives the device of the name to the agent that asks for it, unless it has it already.

        Args:
            hello: of an agent that asks.
            connected: the ids of the devices that are connected now.

        Raises:
            EdgerankError: NAME_TAKEN when nobody allowed it, the device is connected, or the agent
                speaks for another one; INVALID_INPUT when it runs on other hardware.
        """
        known = list_devices(self._database, frozenset())
        holder = next((device for device in known if device.name == hello.name), None)
        own = device_of_agent(self._database, hello.device_id)
        if holder is None or own == holder.device_id:
            return
        problem = _problem(holder, known, own, connected) or self._unless_allowed(holder)
        if problem:
            raise EdgerankError(ErrorCode.NAME_TAKEN, problem)
        _refuse_other_hardware(holder, hello.profile)
        del self._allowed_until_ms[holder.device_id]
        now_unix_ms = self._clock.unix_ms()
        hand_over(self._database, holder.device_id, hello.device_id, now_unix_ms)

    def _unless_allowed(self, device: Device) -> str:
        until_ms = self._allowed_until_ms.get(device.device_id, 0)
        if self._clock.monotonic_ms() < until_ms:
            return ""
        return (
            f"nobody has allowed in the last {OPEN_FOR_MS // 60_000} minutes that the device "
            f"{device.name!r} is taken over; allow it with 'edgerank devices replace "
            f"{device.name}', then start this agent again"
        )


def _problem(
    holder: Device, known: Collection[Device], own: str | None, connected: Collection[str]
) -> str:
    if own is not None:
        name = next((device.name for device in known if device.device_id == own), "removed")
        return (
            f"this agent's state folder is that of the device {name!r}; to take over "
            f"{holder.name!r}, start with a new state folder"
        )
    if holder.device_id in connected:
        return f"the agent of the device {holder.name!r} is connected; stop it first"
    return ""


def _refuse_other_hardware(device: Device, profile: DeviceProfile) -> None:
    """What was measured on one processor is no history of another."""
    was, now = (
        f"{each.cpu_model or 'a processor'} ({each.architecture})"
        for each in (device.profile, profile)
    )
    if was != now:
        raise EdgerankError(
            ErrorCode.INVALID_INPUT,
            f"the device {device.name!r} has {was} and this one {now}, so it is another device; "
            "give it another name",
        )

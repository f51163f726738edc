"""Devices, as people ask a controller for them and change them."""

from collections.abc import Callable, Iterator
from typing import TypeVar

from google.protobuf.message import Message

from controller.client.channel import DEADLINE_S, Client, asked_with
from controller.client.logins import Login
from controller.domain.devices import Device, DeviceChanges, DeviceEvent, DeviceStanding
from controller.domain.names import find_device
from protos.codec import from_answer
from protos.v1 import query_pb2, query_pb2_grpc

DomainT = TypeVar("DomainT")


class DeviceClient(Client):
    """Asks one controller about devices; errors as of `QueryClient`."""

    def __init__(self, address: str, login: Login | None = None) -> None:
        """By a login, or as the one says that is kept of the address."""
        super().__init__(address, login)
        self._stub = query_pb2_grpc.QueryStub(self.channel)

    def list_devices(self) -> tuple[Device, ...]:
        """Every device of the fleet, by name."""
        return self.fleet()[0]

    def measured_device(self, name: str) -> Device:
        """The device of a name: of the fleet, else the newest of those that were removed.

        Raises:
            EdgerankError: UNKNOWN_NAME, too.
        """
        return find_device(self.fleet(with_removed=True)[0], name)

    def fleet(self, *, with_removed: bool = False) -> tuple[tuple[Device, ...], bool]:
        """Every device of the fleet, by name, and whether the controller is open to all."""
        request = asked_with(query_pb2.ListDevicesRequest, with_removed=with_removed)
        with self.said():
            response = self._stub.ListDevices(request, timeout=DEADLINE_S)
        devices = tuple(from_answer(device, Device) for device in response.devices)
        return devices, response.open_to_all

    def watch_devices(self) -> Iterator[DeviceChanges]:
        """Every device, then each that changes, without an end."""
        request = query_pb2.WatchDevicesRequest()
        yield from self._stream(lambda: self._stub.WatchDevices(request), DeviceChanges)

    def list_device_events(self, device: str, count: int) -> tuple[DeviceEvent, ...]:
        """At most so many of what befell a device, the newest first."""
        request = asked_with(query_pb2.ListDeviceEventsRequest, device=device, count=count)
        with self.said():
            response = self._stub.ListDeviceEvents(request, timeout=DEADLINE_S)
        return tuple(from_answer(event, DeviceEvent) for event in response.events)

    def rename_device(self, device: str, name: str) -> None:
        """Gives a device another name."""
        request = asked_with(query_pb2.RenameDeviceRequest, device=device, name=name)
        with self.said():
            self._stub.RenameDevice(request, timeout=DEADLINE_S)

    def mark_device(self, device: str, emulated_by: str | None) -> None:
        """Says what computes in a device's place; None takes that back."""
        request = asked_with(query_pb2.MarkDeviceRequest, device=device, emulated_by=emulated_by)
        with self.said():
            self._stub.MarkDevice(request, timeout=DEADLINE_S)

    def remove_device(self, device: str, *, with_measurements: bool) -> int:
        """Takes a device out of the fleet; gives how many measurements stay, or went with it."""
        request = asked_with(
            query_pb2.RemoveDeviceRequest, device=device, with_measurements=with_measurements
        )
        with self.said():
            response = self._stub.RemoveDevice(request, timeout=DEADLINE_S)
        return response.measurement_count

    def replace_device(self, device: str) -> int:
        """Lets a new agent that asks for it take a device over; gives for how long, ms."""
        request = asked_with(query_pb2.ReplaceDeviceRequest, device=device)
        with self.said():
            response = self._stub.ReplaceDevice(request, timeout=DEADLINE_S)
        return response.open_for_ms

    def drain_device(self, device: str) -> DeviceStanding:
        """Lets a device finish what it measures, and rest then; gives how it stands."""
        request = asked_with(query_pb2.DrainDeviceRequest, device=device)
        with self.said():
            response = self._stub.DrainDevice(request, timeout=DEADLINE_S)
        return from_answer(response.standing, DeviceStanding)

    def rest_device(self, device: str) -> DeviceStanding:
        """Lets a device rest at once; gives how it stands."""
        request = asked_with(query_pb2.RestDeviceRequest, device=device)
        with self.said():
            response = self._stub.RestDevice(request, timeout=DEADLINE_S)
        return from_answer(response.standing, DeviceStanding)

    def wake_device(self, device: str) -> DeviceStanding:
        """Lets a device take jobs again; gives how it stands."""
        request = asked_with(query_pb2.WakeDeviceRequest, device=device)
        with self.said():
            response = self._stub.WakeDevice(request, timeout=DEADLINE_S)
        return from_answer(response.standing, DeviceStanding)

    def _stream(
        self, call: Callable[[], Iterator[Message]], domain_type: type[DomainT]
    ) -> Iterator[DomainT]:
        with self.said():
            for response in call():
                yield from_answer(response, domain_type)

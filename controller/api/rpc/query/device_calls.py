"""The Query service's calls about devices. Translates, and calls the handlers."""

from collections.abc import AsyncIterator, Iterable
from typing import Any, TypeVar

import grpc
from google.protobuf.message import Message

from controller.api.queries import Queries
from controller.api.rpc.failures import answered_failures
from controller.api.rpc.guard import current_caller
from controller.api.rpc.query.snapshots import ChangesMessages
from controller.domain.devices import Device, DeviceStanding
from controller.domain.names import find_device
from controller.fleet.agents import Fleet
from protos.codec import to_message
from protos.v1 import query_pb2, query_pb2_grpc

MessageT = TypeVar("MessageT", bound=Message)
Context = grpc.aio.ServicerContext[Any, Any]


class DeviceCalls(query_pb2_grpc.QueryServicer):
    """What people and programs ask and want of devices."""

    def __init__(self, queries: Queries, fleet: Fleet, *, open_to_all: bool) -> None:
        """`open_to_all` tells whether anybody who reaches the controller may do anything."""
        self._queries = queries
        self._fleet = fleet
        self._open_to_all = open_to_all
        self._changes = ChangesMessages(queries)

    async def ListDevices(  # noqa: N802 - the contract's name
        self, request: query_pb2.ListDevicesRequest, context: Context
    ) -> query_pb2.ListDevicesResponse:
        """Every device of the fleet, and those that were removed where they are asked for."""
        async with answered_failures(context):
            found = await self._queries.devices(with_removed=request.with_removed)
            told = await self._queries.listed(messages_of, found, query_pb2.Device)
        return query_pb2.ListDevicesResponse(devices=told, open_to_all=self._open_to_all)

    async def WatchDevices(  # noqa: N802
        self,
        request: query_pb2.WatchDevicesRequest,  # noqa: ARG002 - the contract's signature
        context: Context,
    ) -> AsyncIterator[query_pb2.WatchDevicesResponse]:
        """Every device, then each that changes."""
        async with answered_failures(context):
            async for told in self._fleet.watching.watch():
                yield await self._changes.message_of(told)

    async def RenameDevice(  # noqa: N802
        self, request: query_pb2.RenameDeviceRequest, context: Context
    ) -> query_pb2.RenameDeviceResponse:
        """Gives a device another name."""
        async with answered_failures(context):
            device = await self._found(request.device)
            await self._fleet.tending.rename(device, request.name, current_caller())
        return query_pb2.RenameDeviceResponse()

    async def MarkDevice(  # noqa: N802
        self, request: query_pb2.MarkDeviceRequest, context: Context
    ) -> query_pb2.MarkDeviceResponse:
        """Says that a device is emulated, or takes that back."""
        async with answered_failures(context):
            device = await self._found(request.device)
            is_marked = request.HasField("emulated_by")
            await self._fleet.tending.mark(device, request.emulated_by if is_marked else None)
        return query_pb2.MarkDeviceResponse()

    async def RemoveDevice(  # noqa: N802
        self, request: query_pb2.RemoveDeviceRequest, context: Context
    ) -> query_pb2.RemoveDeviceResponse:
        """Takes a device out of the fleet."""
        async with answered_failures(context):
            device = await self._found(request.device)
            count = await self._fleet.tending.remove(
                device, current_caller(), with_measurements=request.with_measurements
            )
        return query_pb2.RemoveDeviceResponse(measurement_count=count)

    async def ReplaceDevice(  # noqa: N802
        self, request: query_pb2.ReplaceDeviceRequest, context: Context
    ) -> query_pb2.ReplaceDeviceResponse:
        """Lets a new agent take a device over."""
        async with answered_failures(context):
            device = await self._found(request.device)
            open_for_ms = self._fleet.takeovers.allow(device, self._fleet.connected())
        return query_pb2.ReplaceDeviceResponse(open_for_ms=open_for_ms)

    async def DrainDevice(  # noqa: N802
        self, request: query_pb2.DrainDeviceRequest, context: Context
    ) -> query_pb2.DrainDeviceResponse:
        """Lets a device finish what it measures, and rest then."""
        async with answered_failures(context):
            device = await self._found(request.device)
            standing = await self._fleet.tending.drain(device, current_caller())
        return query_pb2.DrainDeviceResponse(standing=_message(standing))

    async def RestDevice(  # noqa: N802
        self, request: query_pb2.RestDeviceRequest, context: Context
    ) -> query_pb2.RestDeviceResponse:
        """Lets a device rest at once."""
        async with answered_failures(context):
            device = await self._found(request.device)
            standing = await self._fleet.tending.rest(device, current_caller())
        return query_pb2.RestDeviceResponse(standing=_message(standing))

    async def WakeDevice(  # noqa: N802
        self, request: query_pb2.WakeDeviceRequest, context: Context
    ) -> query_pb2.WakeDeviceResponse:
        """Lets a device take jobs again."""
        async with answered_failures(context):
            device = await self._found(request.device)
            standing = await self._fleet.tending.wake(device, current_caller())
        return query_pb2.WakeDeviceResponse(standing=_message(standing))

    async def ListDeviceEvents(  # noqa: N802
        self, request: query_pb2.ListDeviceEventsRequest, context: Context
    ) -> query_pb2.ListDeviceEventsResponse:
        """What befell a device."""
        async with answered_failures(context):
            events = await self._queries.device_events(request.device, request.count)
        return query_pb2.ListDeviceEventsResponse(
            events=[to_message(event, query_pb2.DeviceEvent) for event in events]
        )

    async def _found(self, name: str) -> Device:
        return find_device(await self._queries.devices(), name)


def messages_of(found: Iterable[object], message_type: type[MessageT]) -> list[MessageT]:
    """Each as a message of the contract; of thousands it takes a second."""
    return [to_message(each, message_type) for each in found]


def _message(standing: DeviceStanding) -> query_pb2.DeviceStanding:
    return to_message(standing, query_pb2.DeviceStanding)

"""The Query service: what people and programs ask. Translates, and calls the handlers."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
from sqlalchemy import Engine

from controller.domain import (
    CancelledSweep,
    Constraints,
    ConversionSpec,
    Device,
    MeasurementFilter,
    SweepSpec,
)
from controller.fleet import Fleet
from controller.planning import find_device
from controller.ranking import rank
from controller.rpc.failures import answered_failures
from controller.state.devices import list_devices
from controller.state.measurements import list_measurements
from controller.state.sweeps import find_sweep
from controller.sweeping import Sweeps
from models.catalog import Catalog
from protos import query_pb2, query_pb2_grpc
from protos.codec import from_message, to_message

Context = grpc.aio.ServicerContext[Any, Any]


class QueryService(query_pb2_grpc.QueryServicer):
    """What people and programs call."""

    def __init__(self, engine: Engine, catalog: Catalog, fleet: Fleet, sweeps: Sweeps) -> None:
        self._engine = engine
        self._catalog = catalog
        self._fleet = fleet
        self._sweeps = sweeps

    async def ListDevices(  # noqa: N802 - the contract's name
        self,
        request: query_pb2.ListDevicesRequest,  # noqa: ARG002 - the contract's signature
        context: Context,
    ) -> query_pb2.ListDevicesResponse:
        """Every device that ever enrolled; the request has no fields yet."""
        async with answered_failures(context):
            found = await self._devices()
        return query_pb2.ListDevicesResponse(
            devices=[to_message(device, query_pb2.Device) for device in found]
        )

    async def StartSweep(  # noqa: N802
        self, request: query_pb2.StartSweepRequest, context: Context
    ) -> query_pb2.StartSweepResponse:
        """Plans a sweep and starts it."""
        async with answered_failures(context):
            sweep_id, plan = await self._sweeps.start(from_message(request.spec, SweepSpec))
        return query_pb2.StartSweepResponse(
            sweep_id=sweep_id, job_count=len(plan.jobs), left_out=plan.left_out
        )

    async def WatchSweep(  # noqa: N802
        self, request: query_pb2.WatchSweepRequest, context: Context
    ) -> AsyncIterator[query_pb2.WatchSweepResponse]:
        """Snapshots of a sweep until it has ended."""
        async with answered_failures(context):
            async for snapshot in self._sweeps.watch(request.sweep_id):
                yield to_message(snapshot, query_pb2.WatchSweepResponse)

    async def CancelSweep(  # noqa: N802
        self, request: query_pb2.CancelSweepRequest, context: Context
    ) -> query_pb2.CancelSweepResponse:
        """Ends a sweep."""
        async with answered_failures(context):
            phase = await self._sweeps.cancel(request.sweep_id)
        return to_message(CancelledSweep(phase=phase), query_pb2.CancelSweepResponse)

    async def Convert(  # noqa: N802
        self, request: query_pb2.ConvertRequest, context: Context
    ) -> AsyncIterator[query_pb2.ConvertResponse]:
        """Makes artifacts ahead of a sweep."""
        async with answered_failures(context):
            async for snapshot in self._sweeps.convert(from_message(request, ConversionSpec)):
                yield to_message(snapshot, query_pb2.ConvertResponse)

    async def Rank(  # noqa: N802
        self, request: query_pb2.RankRequest, context: Context
    ) -> query_pb2.RankResponse:
        """Which backbone is best on a device."""
        async with answered_failures(context):
            device = find_device(await self._devices(), request.device)
            wanted = from_message(request.constraints, Constraints)
            measured = await asyncio.to_thread(
                list_measurements, self._engine, MeasurementFilter(device=request.device)
            )
            runtimes = tuple(info.runtime for info in device.profile.runtimes)
            ranking = rank(device.name, measured, wanted, self._catalog, runtimes)
        return to_message(ranking, query_pb2.RankResponse)

    async def ListMeasurements(  # noqa: N802
        self, request: query_pb2.ListMeasurementsRequest, context: Context
    ) -> AsyncIterator[query_pb2.ListMeasurementsResponse]:
        """Every measurement that the filter lets through."""
        async with answered_failures(context):
            wanted = from_message(request, MeasurementFilter)
            if wanted.device is not None:
                find_device(await self._devices(), wanted.device)
            if wanted.sweep_id is not None:
                await asyncio.to_thread(find_sweep, self._engine, wanted.sweep_id)
            for measurement in await asyncio.to_thread(list_measurements, self._engine, wanted):
                yield query_pb2.ListMeasurementsResponse(
                    measurement=to_message(measurement, query_pb2.Measurement)
                )

    async def _devices(self) -> tuple[Device, ...]:
        return await asyncio.to_thread(list_devices, self._engine, self._fleet.connected())

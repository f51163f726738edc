"""The Query service: what people and programs ask. Translates, and calls the handlers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import grpc

from controller.api.queries import Queries
from controller.api.reporting import Reporting
from controller.api.rpc.failures import answered_failures
from controller.api.rpc.guard import current_caller
from controller.api.rpc.query.answers import AnswerMessages
from controller.api.rpc.query.device_calls import DeviceCalls, messages_of
from controller.api.rpc.query.pages import page_of
from controller.api.rpc.query.report_calls import ReportCalls
from controller.api.rpc.query.snapshots import SnapshotMessages
from controller.api.rpc.query.steering_calls import SteeringCalls
from controller.api.tracing import Tracing
from controller.domain.catalog import AccuracyFigure, OwnModelHeader
from controller.domain.comparisons import CompareQuestion
from controller.domain.conversions import ConversionSpec
from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.jobs import SweepPlan
from controller.domain.measurements import MeasurementFilter
from controller.domain.profiles import ProfileSpec
from controller.domain.rankings import Constraints
from controller.domain.rankings.explanations import ExplainQuestion
from controller.domain.rankings.fleet import FleetQuestion
from controller.domain.rankings.pages import RankingPageQuestion
from controller.domain.rankings.predicted import PredictQuestion
from controller.domain.sweeps import CancelledSweep, SweepSpec
from controller.fleet.agents import Fleet
from controller.fleet.clock import Clock
from controller.fleet.outliving import told_at_its_end
from controller.own.accuracy import MAX_FIGURES, MAX_IMPORT_BYTES, import_accuracies
from controller.own.adding import OwnModels
from controller.state.blobs import CHUNK_BYTES
from controller.state.database import Database
from controller.sweeps.lifecycle import Sweeps
from controller.sweeps.profiling.running import Profiles
from controller.sweeps.retrying import Retrying
from controller.sweeps.steering import Steering
from models.catalog.catalog import IMAGENET, Catalog
from protos.codec import from_request, refuse_unknown, to_message
from protos.v1 import query_pb2

# About 100 kB a message.
JOBS_A_MESSAGE = 1_000

Context = grpc.aio.ServicerContext[Any, Any]


class QueryService(DeviceCalls, SteeringCalls, ReportCalls):
    """What people and programs call."""

    def __init__(
        self,
        database: Database,
        catalog: Catalog,
        queries: Queries,
        sweeps: Sweeps,
        own_models: OwnModels,
        *,
        steering: Steering,
        retrying: Retrying,
        fleet: Fleet,
        profiles: Profiles,
        tracing: Tracing,
        clock: Clock,
        open_to_all: bool,
    ) -> None:
        self._tracing = tracing
        DeviceCalls.__init__(self, queries, fleet, open_to_all=open_to_all)
        SteeringCalls.__init__(self, queries, steering, retrying)
        ReportCalls.__init__(self, Reporting(queries, catalog), database, clock)
        self._database = database
        self._catalog = catalog
        self._sweeps = sweeps
        self._own_models = own_models
        self._profiles = profiles
        self._clock = clock
        self._snapshots = SnapshotMessages()
        self._answers = AnswerMessages()

    async def PlanSweep(  # noqa: N802
        self, request: query_pb2.PlanSweepRequest, context: Context
    ) -> AsyncIterator[query_pb2.PlanSweepResponse]:
        """What a sweep would measure: all but the jobs, then these."""
        async with answered_failures(context):
            spec = from_request(request.spec, SweepSpec)
            plan = await self._sweeps.preview(spec, with_jobs=request.with_jobs)
            yield to_message(replace(plan, jobs=()), query_pb2.PlanSweepResponse)
            for start in range(0, len(plan.jobs), JOBS_A_MESSAGE):
                some = SweepPlan(jobs=plan.jobs[start : start + JOBS_A_MESSAGE])
                yield await asyncio.to_thread(to_message, some, query_pb2.PlanSweepResponse)

    async def StartSweep(  # noqa: N802
        self, request: query_pb2.StartSweepRequest, context: Context
    ) -> query_pb2.StartSweepResponse:
        """Plans a sweep and starts it."""
        async with answered_failures(context):
            spec = from_request(request.spec, SweepSpec)
            person, begin_ns = current_caller().person, self._tracing.now_ns()
            started = await self._sweeps.start(spec, person, request.request_id)
            self._tracing.planned(started.sweep_id, begin_ns)
        return to_message(started, query_pb2.StartSweepResponse)

    async def ListSweeps(  # noqa: N802
        self,
        request: query_pb2.ListSweepsRequest,  # noqa: ARG002 - the contract's signature
        context: Context,
    ) -> query_pb2.ListSweepsResponse:
        """Every sweep and profile."""
        async with answered_failures(context):
            found = await self._queries.sweeps()
            told = await self._queries.listed(messages_of, found, query_pb2.SweepSummary)
        return query_pb2.ListSweepsResponse(sweeps=told)

    async def WatchSweep(  # noqa: N802
        self, request: query_pb2.WatchSweepRequest, context: Context
    ) -> AsyncIterator[query_pb2.WatchSweepResponse]:
        """Snapshots of a sweep until it has ended."""
        async with answered_failures(context):
            sweep_id = await self._queries.sweep_id(request.sweep_id)
            async for snapshot in self._sweeps.watch(sweep_id):
                yield self._snapshots.message_of(snapshot)

    async def CancelSweep(  # noqa: N802
        self, request: query_pb2.CancelSweepRequest, context: Context
    ) -> query_pb2.CancelSweepResponse:
        """Ends a sweep."""
        async with answered_failures(context):
            sweep_id = await self._queries.sweep_id(request.sweep_id)
            phase = await self._sweeps.cancel(sweep_id)
        return to_message(CancelledSweep(phase=phase), query_pb2.CancelSweepResponse)

    async def Convert(  # noqa: N802
        self, request: query_pb2.ConvertRequest, context: Context
    ) -> AsyncIterator[query_pb2.ConvertResponse]:
        """Makes artifacts ahead of a sweep."""
        async with answered_failures(context):
            async for snapshot in self._sweeps.convert(from_request(request, ConversionSpec)):
                yield to_message(snapshot, query_pb2.ConvertResponse)

    async def Profile(  # noqa: N802
        self, request: query_pb2.ProfileRequest, context: Context
    ) -> AsyncIterator[query_pb2.ProfileResponse]:
        """Profiles a backbone, or follows an earlier profile."""
        async with answered_failures(context):
            if request.profile_id:
                profile_id = await self._profiles.find(request.profile_id)
            else:
                spec = from_request(request.spec, ProfileSpec)
                person = current_caller().person
                profile_id = await self._profiles.start(spec, person, request.request_id)
            async for progress in self._profiles.watch(profile_id):
                yield query_pb2.ProfileResponse(
                    progress=to_message(progress, query_pb2.ProfileProgress)
                )
            profile, trace = await self._profiles.result(profile_id)
            yield query_pb2.ProfileResponse(profile=to_message(profile, query_pb2.OperatorProfile))
            for start in range(0, len(trace), CHUNK_BYTES):
                chunk = trace[start : start + CHUNK_BYTES]
                yield query_pb2.ProfileResponse(trace_chunk=chunk)

    async def Rank(  # noqa: N802
        self, request: query_pb2.RankRequest, context: Context
    ) -> query_pb2.RankResponse:
        """Which backbone is best on a device."""
        async with answered_failures(context):
            ranking = await self._queries.rank(
                request.device,
                from_request(request.constraints, Constraints),
                request.accuracy_dataset or IMAGENET,
                request.most_listed if request.HasField("most_listed") else None,
            )
            # A whole one is large, and ranked anew for each who asks.
            made = self._answers.message_of if request.HasField("most_listed") else to_message
            return await self._queries.listed(made, ranking, query_pb2.RankResponse)

    async def PageRanking(  # noqa: N802
        self, request: query_pb2.PageRankingRequest, context: Context
    ) -> query_pb2.PageRankingResponse:
        """Some of the others of a ranking, or of what it leaves out."""
        async with answered_failures(context):
            page = await self._queries.ranking_page(from_request(request, RankingPageQuestion))
            return await self._queries.listed(to_message, page, query_pb2.PageRankingResponse)

    async def RankFleet(  # noqa: N802
        self, request: query_pb2.RankFleetRequest, context: Context
    ) -> query_pb2.RankFleetResponse:
        """What is best on each of several devices, and for all of them."""
        async with answered_failures(context):
            ranking = await self._queries.rank_fleet(from_request(request, FleetQuestion))
            made = self._answers.message_of
            return await self._queries.listed(made, ranking, query_pb2.RankFleetResponse)

    async def Predict(  # noqa: N802
        self, request: query_pb2.PredictRequest, context: Context
    ) -> query_pb2.PredictResponse:
        """What backbones would be measured at on a device."""
        async with answered_failures(context):
            told = await self._queries.predict(from_request(request, PredictQuestion))
            return await self._queries.listed(to_message, told, query_pb2.PredictResponse)

    async def Explain(  # noqa: N802
        self, request: query_pb2.ExplainRequest, context: Context
    ) -> query_pb2.ExplainResponse:
        """Why a backbone is where it is in a ranking."""
        async with answered_failures(context):
            found = await self._queries.explain(from_request(request, ExplainQuestion))
            return await self._queries.listed(to_message, found, query_pb2.ExplainResponse)

    async def Compare(  # noqa: N802
        self, request: query_pb2.CompareRequest, context: Context
    ) -> query_pb2.CompareResponse:
        """Whether B is faster or slower than A."""
        async with answered_failures(context):
            comparison = await self._queries.compare(from_request(request, CompareQuestion))
            return await self._queries.listed(to_message, comparison, query_pb2.CompareResponse)

    async def ListMeasurements(  # noqa: N802
        self, request: query_pb2.ListMeasurementsRequest, context: Context
    ) -> AsyncIterator[query_pb2.ListMeasurementsResponse]:
        """Every measurement that the filter lets through."""
        async with answered_failures(context):
            wanted = from_request(request, MeasurementFilter)
            async for page in self._queries.measurement_pages(wanted):
                told = await self._queries.listed(messages_of, page, query_pb2.Measurement)
                for measurement in told:
                    yield query_pb2.ListMeasurementsResponse(measurement=measurement)

    async def PageMeasurements(  # noqa: N802
        self, request: query_pb2.PageMeasurementsRequest, context: Context
    ) -> query_pb2.PageMeasurementsResponse:
        """At most so many of the same."""
        async with answered_failures(context):
            wanted = from_request(request.wanted, MeasurementFilter)
            return await page_of(self._queries, request, wanted)

    async def ExportMeasurements(  # noqa: N802
        self, request: query_pb2.ExportMeasurementsRequest, context: Context
    ) -> AsyncIterator[query_pb2.ExportMeasurementsResponse]:
        """The same in columns, many rows a message."""
        async with answered_failures(context):
            wanted = from_request(request, MeasurementFilter)
            async with aclosing(self._queries.export_pages(wanted)) as streams:
                async for stream in streams:
                    yield query_pb2.ExportMeasurementsResponse(arrow_stream=stream)

    async def ImportAccuracy(  # noqa: N802
        self, request_iterator: AsyncIterator[query_pb2.ImportAccuracyRequest], context: Context
    ) -> query_pb2.ImportAccuracyResponse:
        """Takes in every figure of the stream or none."""
        figures: list[AccuracyFigure] = []
        size_bytes = 0
        async with answered_failures(context):
            async for request in request_iterator:
                size_bytes += request.ByteSize()
                if size_bytes > MAX_IMPORT_BYTES:
                    most_mb = f"{MAX_IMPORT_BYTES / 1e6:.0f}"
                    raise EdgerankError(
                        ErrorCode.INVALID_INPUT,
                        f"an import has at most {most_mb} MB; import it in parts",
                    )
                # One more than may be, which tells that there are too many.
                most = MAX_FIGURES + 1 - len(figures)
                figures += await self._queries.listed(_figures, request, most)
                if len(figures) > MAX_FIGURES:
                    break
            known, now_unix_ms = self._catalog, self._clock.unix_ms()
            done = await told_at_its_end(
                asyncio.to_thread(import_accuracies, self._database, figures, known, now_unix_ms)
            )
        return to_message(done, query_pb2.ImportAccuracyResponse)

    async def ListDatasets(  # noqa: N802
        self,
        request: query_pb2.ListDatasetsRequest,  # noqa: ARG002 - the contract's signature
        context: Context,
    ) -> query_pb2.ListDatasetsResponse:
        """Every dataset that accuracy is known on."""
        async with answered_failures(context):
            found = await self._queries.datasets()
        return query_pb2.ListDatasetsResponse(
            datasets=[to_message(dataset, query_pb2.Dataset) for dataset in found]
        )

    async def AddModel(  # noqa: N802
        self, request_iterator: AsyncIterator[query_pb2.AddModelRequest], context: Context
    ) -> query_pb2.AddModelResponse:
        """Takes in an own model."""
        async with answered_failures(context):
            header = await _header(request_iterator)
            model = await self._own_models.add(header, _chunks(request_iterator))
        return query_pb2.AddModelResponse(model=to_message(model, query_pb2.OwnModel))

    async def ListOwnModels(  # noqa: N802
        self,
        request: query_pb2.ListOwnModelsRequest,  # noqa: ARG002 - the contract's signature
        context: Context,
    ) -> query_pb2.ListOwnModelsResponse:
        """Every own model."""
        async with answered_failures(context):
            found = await self._own_models.list()
        return query_pb2.ListOwnModelsResponse(
            models=[to_message(model, query_pb2.OwnModel) for model in found]
        )

    async def RemoveModel(  # noqa: N802
        self, request: query_pb2.RemoveModelRequest, context: Context
    ) -> query_pb2.RemoveModelResponse:
        """Forgets an own model."""
        async with answered_failures(context):
            await self._own_models.remove(request.name, with_accuracy=request.with_accuracy)
        return query_pb2.RemoveModelResponse()


def _figures(request: query_pb2.ImportAccuracyRequest, most: int) -> list[AccuracyFigure]:
    refuse_unknown(request)
    return [from_request(figure, AccuracyFigure) for figure in request.figures[:most]]


async def _header(requests: AsyncIterator[query_pb2.AddModelRequest]) -> OwnModelHeader:
    async for request in requests:
        if request.WhichOneof("part") == "header":
            return from_request(request.header, OwnModelHeader)
        break
    raise EdgerankError(ErrorCode.INVALID_INPUT, "an own model begins with its header")


async def _chunks(requests: AsyncIterator[query_pb2.AddModelRequest]) -> AsyncIterator[bytes]:
    async for request in requests:
        if request.WhichOneof("part") != "chunk":
            raise EdgerankError(
                ErrorCode.INVALID_INPUT, "after an own model's header come its bytes, and no more"
            )
        yield request.chunk

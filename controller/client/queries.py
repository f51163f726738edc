"""What the command line asks a controller, in domain objects."""

import itertools
import uuid
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple, TypeVar

from controller.client.asking_again import OnLost, asked_again, nobody_told
from controller.client.channel import DEADLINE_S, asked_message, asked_with
from controller.client.rankings import RankingClient
from controller.domain.catalog import (
    AccuracyFigure,
    AccuracyImport,
    Dataset,
    OwnModel,
    OwnModelHeader,
    joined_catalog,
)
from controller.domain.conversions import ConversionSnapshot, ConversionSpec
from controller.domain.jobs import SweepPlan
from controller.domain.measurements import Measurement, MeasurementFilter
from controller.domain.profiles import OperatorProfile, ProfileProgress, ProfileSpec
from controller.domain.sweeps import (
    CancelledSweep,
    Pause,
    StartedSweep,
    SweepPhase,
    SweepSnapshot,
    SweepSpec,
    SweepSummary,
)
from controller.domain.sweeps.editing import SweepEdit
from models.catalog.catalog import Catalog, load_catalog
from protos.codec import from_answer
from protos.v1 import query_pb2

# About 100 kB a message.
FIGURES_A_MESSAGE = 1_000

# As many as the web's pages show.
_A_PAGE = 200

DomainT = TypeVar("DomainT")


class MeasurementPage(NamedTuple):
    """Some measurements, and the id that the next page is behind; None where there is none."""

    measurements: tuple[Measurement, ...]
    last: str | None


class QueryClient(RankingClient):
    """Asks one controller; a context manager that closes the connection.

    Every call raises EdgerankError: UNREACHABLE when nobody answers at the address, otherwise what
    the controller said.
    """

    def plan_sweep(self, spec: SweepSpec, *, with_jobs: bool) -> SweepPlan:
        """What a sweep would measure, and how long that would take; starts nothing."""
        asked = asked_message(spec, query_pb2.SweepSpec)
        request = query_pb2.PlanSweepRequest(spec=asked, with_jobs=with_jobs)
        first, *others = self._stream(lambda: self._stub.PlanSweep(request), SweepPlan)
        return replace(first, jobs=tuple(job for each in others for job in each.jobs))

    def start_sweep(
        self, spec: SweepSpec, request_id: str = "", on_lost: OnLost = nobody_told
    ) -> StartedSweep:
        """Starts a sweep of what was not measured alike before: one, however often it is asked.

        Args:
            spec: what is wanted.
            request_id: as in the contract; empty is a new one.
            on_lost: told before it is asked again, since no answer came.
        """
        asked = asked_message(spec, query_pb2.SweepSpec)
        request = query_pb2.StartSweepRequest(spec=asked, request_id=request_id or uuid.uuid4().hex)
        with self.said():
            response = asked_again(partial(self._stub.StartSweep, request), on_lost)
        return from_answer(response, StartedSweep)

    def list_sweeps(self) -> tuple[SweepSummary, ...]:
        """Every sweep and profile, the newest first."""
        with self.said():
            response = self._stub.ListSweeps(query_pb2.ListSweepsRequest(), timeout=DEADLINE_S)
        return tuple(from_answer(sweep, SweepSummary) for sweep in response.sweeps)

    def watch_sweep(self, sweep_id: str) -> Generator[SweepSnapshot, None, None]:
        """Snapshots of a sweep, by its id, a beginning of it or its name, until it has ended."""
        request = asked_with(query_pb2.WatchSweepRequest, sweep_id=sweep_id)
        yield from self._stream(lambda: self._stub.WatchSweep(request), SweepSnapshot)

    def cancel_sweep(self, sweep_id: str) -> SweepPhase:
        """Ends a sweep; gives the phase that it is in then."""
        with self.said():
            response = self._stub.CancelSweep(
                asked_with(query_pb2.CancelSweepRequest, sweep_id=sweep_id), timeout=DEADLINE_S
            )
        return from_answer(response, CancelledSweep).phase

    def pause_sweep(self, sweep_id: str) -> tuple[str, Pause]:
        """Lets a sweep give out no turns; gives its whole id, and by whom it is paused."""
        request = asked_with(query_pb2.PauseSweepRequest, sweep_id=sweep_id)
        with self.said():
            response = self._stub.PauseSweep(request, timeout=DEADLINE_S)
        return response.sweep_id, from_answer(response.paused, Pause)

    def resume_sweep(self, sweep_id: str) -> str:
        """Lets a sweep give out turns again; gives its whole id."""
        request = asked_with(query_pb2.ResumeSweepRequest, sweep_id=sweep_id)
        with self.said():
            return self._stub.ResumeSweep(request, timeout=DEADLINE_S).sweep_id

    def edit_sweep(self, wanted: SweepEdit) -> SweepEdit:
        """Makes a sweep more or less urgent; gives its whole id, and what holds from now on."""
        request = asked_message(wanted, query_pb2.EditSweepRequest)
        with self.said():
            response = self._stub.EditSweep(request, timeout=DEADLINE_S)
        return from_answer(response, SweepEdit)

    def retry_sweep(self, sweep_id: str, *, only_failed: bool) -> tuple[StartedSweep, bool]:
        """Starts a sweep of what another one left undone; gives it, and whether it is new."""
        request = asked_with(
            query_pb2.RetrySweepRequest, sweep_id=sweep_id, only_failed=only_failed
        )
        with self.said():
            response = asked_again(partial(self._stub.RetrySweep, request), nobody_told)
        return from_answer(response, StartedSweep), response.is_new

    def convert(self, spec: ConversionSpec) -> Iterator[ConversionSnapshot]:
        """Snapshots of a conversion until it has ended."""
        request = asked_message(spec, query_pb2.ConvertRequest)
        yield from self._stream(lambda: self._stub.Convert(request), ConversionSnapshot)

    def profile(
        self, wanted: ProfileSpec | str, request_id: str = "", on_lost: OnLost = nobody_told
    ) -> Iterator[ProfileProgress | OperatorProfile | bytes]:
        """A new profile, or the one of this id: its progress, the profile, its trace in chunks.

        `request_id` and `on_lost` are those of `start_sweep`, for a new one.
        """
        request = (
            asked_with(query_pb2.ProfileRequest, profile_id=wanted)
            if isinstance(wanted, str)
            else query_pb2.ProfileRequest(
                spec=asked_message(wanted, query_pb2.ProfileSpec),
                request_id=request_id or uuid.uuid4().hex,
            )
        )

        def begun(*, timeout: float, wait_for_ready: bool) -> Iterator[query_pb2.ProfileResponse]:
            """What is answered, from the first on, which tells that it was started."""
            del timeout  # It lasts as long as the profile.
            responses = self._stub.Profile(request, wait_for_ready=wait_for_ready)
            return itertools.chain((next(responses),), responses)

        with self.said():
            for response in asked_again(begun, on_lost):
                match response.WhichOneof("part"):
                    case "progress":
                        yield from_answer(response.progress, ProfileProgress)
                    case "profile":
                        yield from_answer(response.profile, OperatorProfile)
                    case "trace_chunk":
                        yield response.trace_chunk

    def list_measurements(self, wanted: MeasurementFilter) -> Iterator[Measurement]:
        """The measurements that the filter lets through, oldest first."""
        request = asked_message(wanted, query_pb2.ListMeasurementsRequest)
        with self.said():
            for response in self._stub.ListMeasurements(request):
                yield from_answer(response.measurement, Measurement)

    def measurement_page(
        self,
        wanted: MeasurementFilter,
        most: int,
        after: str | None = None,
        *,
        newest_first: bool = False,
    ) -> MeasurementPage:
        """The next ones, at most so many: those behind the one of this id, or the first.

        They come without samples. What is underway is before the newest, where it is wanted.
        """
        request = asked_with(
            query_pb2.PageMeasurementsRequest,
            wanted=asked_message(wanted, query_pb2.ListMeasurementsRequest),
            most=most,
            after=after,
            newest_first=newest_first,
        )
        with self.said():
            response = self._stub.PageMeasurements(request, timeout=DEADLINE_S)
        told = tuple(from_answer(each, Measurement) for each in response.measurements)
        return MeasurementPage(told, response.last if response.HasField("last") else None)

    def newest_measurements(self, wanted: MeasurementFilter) -> Iterator[Measurement]:
        """The same, the newest first, each page asked for when it is come to."""
        page = self.measurement_page(wanted, _A_PAGE, newest_first=True)
        yield from page.measurements
        ended = replace(wanted, with_underway=False)
        while page.last is not None:
            page = self.measurement_page(ended, _A_PAGE, page.last, newest_first=True)
            yield from page.measurements

    def export_measurements(self, wanted: MeasurementFilter) -> Iterator[bytes]:
        """The same in the columns of an export: streams of Arrow's IPC format, many rows each.

        Of the filter's restrictions, those on a backbone, a minute and what is underway are none
        here.
        """
        request = asked_with(
            query_pb2.ExportMeasurementsRequest,
            device=wanted.device,
            sweep_id=wanted.sweep_id,
            with_samples=wanted.with_samples,
            accuracy_dataset=wanted.accuracy_dataset,
        )
        with self.said():
            for response in self._stub.ExportMeasurements(request):
                yield response.arrow_stream

    def import_accuracy(self, figures: Sequence[AccuracyFigure]) -> AccuracyImport:
        """Takes in every figure or none."""
        batches = (
            query_pb2.ImportAccuracyRequest(
                figures=[
                    asked_message(figure, query_pb2.AccuracyFigure)
                    for figure in figures[start : start + FIGURES_A_MESSAGE]
                ]
            )
            for start in range(0, len(figures), FIGURES_A_MESSAGE)
        )
        with self.said():
            response = self._stub.ImportAccuracy(batches)
        return from_answer(response, AccuracyImport)

    def list_datasets(self) -> tuple[Dataset, ...]:
        """Every dataset that accuracy is known on, by name."""
        with self.said():
            response = self._stub.ListDatasets(query_pb2.ListDatasetsRequest(), timeout=DEADLINE_S)
        return tuple(from_answer(dataset, Dataset) for dataset in response.datasets)

    def add_model(self, header: OwnModelHeader, chunks: Iterable[bytes]) -> OwnModel:
        """Takes in an own model; the chunks are its files' bytes, one file after the other."""
        first = query_pb2.AddModelRequest(header=asked_message(header, query_pb2.OwnModelHeader))
        rest = (query_pb2.AddModelRequest(chunk=chunk) for chunk in chunks)
        with self.sending(itertools.chain((first,), rest)) as sent:
            response = self._stub.AddModel(sent)
        return from_answer(response.model, OwnModel)

    def list_own_models(self) -> tuple[OwnModel, ...]:
        """Every own model, by name."""
        with self.said():
            response = self._stub.ListOwnModels(
                query_pb2.ListOwnModelsRequest(), timeout=DEADLINE_S
            )
        return tuple(from_answer(model, OwnModel) for model in response.models)

    def remove_model(self, name: str, *, with_accuracy: bool) -> None:
        """Forgets an own model that no sweep has."""
        request = asked_with(query_pb2.RemoveModelRequest, name=name, with_accuracy=with_accuracy)
        with self.said():
            self._stub.RemoveModel(request, timeout=DEADLINE_S)

    def catalog(self) -> Catalog:
        """The packaged catalog, then the controller's own models."""
        return joined_catalog(load_catalog(), self.list_own_models())

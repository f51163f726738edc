"""What people ask of many devices, and bring of other controllers, in domain objects."""

from collections.abc import Iterable, Iterator, Sequence

from controller.client.channel import Client, asked_message, asked_with
from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.measurements import Measurement
from controller.domain.measurements.imports import ImportDone, ImportHeader
from controller.domain.rankings.reference import Reference, ReferenceQuestion
from controller.domain.rankings.survey import Survey
from protos.codec import from_answer, to_message
from protos.v1 import query_pb2, query_pb2_grpc


class ReportClient(Client):
    """Asks one controller; a context manager that closes the connection."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self._stub = query_pb2_grpc.QueryStub(self.channel)

    def survey(self, devices: Sequence[str]) -> Survey:
        """A source's tables, and its claims on the devices that names and labels mean."""
        with self.said():
            response = self._stub.Survey(asked_with(query_pb2.SurveyRequest, devices=devices))
        return from_answer(response, Survey)

    def reference(self, question: ReferenceQuestion) -> Reference:
        """What others published of devices like those, beside our measurements."""
        with self.said():
            response = self._stub.Reference(asked_message(question, query_pb2.ReferenceRequest))
        return from_answer(response, Reference)

    def import_measurements(
        self, header: ImportHeader, measurements: Iterable[Measurement]
    ) -> ImportDone:
        """Takes in what another controller measured; what is here already is kept once.

        Raises:
            EdgerankError: INVALID_INPUT for what cannot be a measurement, with how many before it
                were taken in; those stay.
        """
        failures: list[EdgerankError] = []

        def parts() -> Iterator[query_pb2.ImportMeasurementsRequest]:
            told = asked_message(header, query_pb2.ImportHeader)
            yield query_pb2.ImportMeasurementsRequest(header=told)
            has_sent = False
            try:
                for number, each in enumerate(measurements, 1):
                    message = _message(header, number, each)
                    yield query_pb2.ImportMeasurementsRequest(measurement=message)
                    has_sent = True
            except EdgerankError as error:
                if not has_sent:
                    raise
                # Ended here, the call is answered with what came before.
                failures.append(error)

        with self.sending(parts()) as sent:
            response = self._stub.ImportMeasurements(sent)
        done = from_answer(response, ImportDone)
        for failure in failures:
            raise EdgerankError(
                failure.code,
                f"{failure}; of those before it {done.added_count:,} were taken in and "
                f"{done.known_count:,} were known: mend it, and import the file again",
            )
        return done


def _message(header: ImportHeader, number: int, measurement: Measurement) -> query_pb2.Measurement:
    try:
        return to_message(measurement, query_pb2.Measurement)
    except ValueError as error:
        raise EdgerankError(
            ErrorCode.INVALID_INPUT,
            f"cannot import {header.file_name!r}: measurement {number} has a number that none may "
            f"have ({error}); export it anew",
        ) from error

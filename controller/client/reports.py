"""What people ask of many devices, and bring of other controllers, in domain objects."""

from collections.abc import Iterable, Iterator, Sequence

from controller.client.channel import Client
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
            response = self._stub.Survey(query_pb2.SurveyRequest(devices=devices))
        return from_answer(response, Survey)

    def reference(self, question: ReferenceQuestion) -> Reference:
        """What others published of devices like those, beside our measurements."""
        with self.said():
            response = self._stub.Reference(to_message(question, query_pb2.ReferenceRequest))
        return from_answer(response, Reference)

    def import_measurements(
        self, header: ImportHeader, measurements: Iterable[Measurement]
    ) -> ImportDone:
        """Takes in what another controller measured; what is here already is kept once."""

        def parts() -> Iterator[query_pb2.ImportMeasurementsRequest]:
            told = to_message(header, query_pb2.ImportHeader)
            yield query_pb2.ImportMeasurementsRequest(header=told)
            for number, each in enumerate(measurements, 1):
                try:
                    message = to_message(each, query_pb2.Measurement)
                except ValueError as error:
                    raise EdgerankError(
                        ErrorCode.INVALID_INPUT,
                        f"cannot import {header.file_name!r}: measurement {number} has a number "
                        f"that none may have ({error}); export it anew",
                    ) from error
                yield query_pb2.ImportMeasurementsRequest(measurement=message)

        with self.sending(parts()) as sent:
            response = self._stub.ImportMeasurements(sent)
        return from_answer(response, ImportDone)

"""What reports of many devices ask a controller, in domain objects."""

from collections.abc import Sequence

from controller.client.channel import Client
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

"""Rankings and what stands beside them, as people ask a controller for them."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import grpc

from controller.client.channel import DEADLINE_S, asked_message, asked_with
from controller.client.devices import DeviceClient
from controller.domain.comparisons import CompareQuestion, Comparison
from controller.domain.errors import EdgerankError
from controller.domain.rankings import Constraints, Ranking
from controller.domain.rankings.explanations import ExplainQuestion, Explanations
from controller.domain.rankings.fleet import FleetQuestion, FleetRanking
from controller.domain.rankings.pages import RankingPage, RankingPageQuestion
from controller.domain.rankings.predicted import DevicePredictions, PredictQuestion
from models.catalog.catalog import IMAGENET
from protos.codec import from_answer
from protos.v1 import query_pb2

PREDICT_DEADLINE_S: Final = 60.0
"""A fit takes a second or three for each setting, on one core that others may want, too."""

A_PAGE: Final = 500
"""So many of a ranking in one answer, which is below 1 MB then."""


class RankingClient(DeviceClient):
    """Asks one controller for rankings; errors as of `QueryClient`."""

    def rank(
        self,
        device: str,
        constraints: Constraints,
        accuracy_dataset: str = IMAGENET,
        *,
        most_listed: int | None = None,
    ) -> Ranking:
        """Which backbone is best on a device, by the accuracy on a dataset.

        At most `most_listed` of the others are told, and of what is left out; None is all. All come
        by pages, unless the controller would read the whole device for each of them: what is
        measured anew meanwhile, or moves from the ties or the front, may not be told; nothing is
        told twice.
        """
        request = asked_with(
            query_pb2.RankRequest,
            device=device,
            constraints=asked_message(constraints, query_pb2.Constraints),
            accuracy_dataset=accuracy_dataset,
        )
        if most_listed is not None or _is_read_anew(constraints):
            return self._ranked(request, most_listed)
        first = self._ranked(request, A_PAGE)
        if (first.other_count, first.left_out_count) == (len(first.others), len(first.left_out)):
            return first
        others = RankingPageQuestion(
            device=device, constraints=constraints, accuracy_dataset=accuracy_dataset, most=A_PAGE
        )
        try:
            return self._whole(first, others)
        except EdgerankError as error:
            if not _is_older(error):
                raise
            return self._ranked(request, None)

    def _ranked(self, request: query_pb2.RankRequest, most_listed: int | None) -> Ranking:
        asked = asked_with(query_pb2.RankRequest, most_listed=most_listed)
        asked.MergeFrom(request)
        with self.said():
            response = self._stub.Rank(asked, timeout=DEADLINE_S)
        return from_answer(response, Ranking)

    def _whole(self, first: Ranking, others: RankingPageQuestion) -> Ranking:
        """A ranking with all that its pages have, of which each is told once."""
        winner = () if first.winner is None else (first.winner,)
        ahead = (*winner, *first.ties, *first.pareto_front)
        known = {each.measurement.measurement_id for each in ahead}
        lost, left_out = first.others, first.left_out
        if len(lost) < first.other_count:
            told = [each for page in self._pages(others) for each in page.others]
            lost = tuple(each for each in told if each.measurement.measurement_id not in known)
            known |= {each.measurement.measurement_id for each in lost}
        if len(left_out) < first.left_out_count:
            rest = self._pages(replace(others, of_left_out=True))
            aside = [each for page in rest for each in page.left_out]
            left_out = tuple(each for each in aside if each.measurement.measurement_id not in known)
        return replace(
            first,
            others=lost,
            left_out=left_out,
            other_count=len(lost),
            left_out_count=len(left_out),
        )

    def _pages(self, wanted: RankingPageQuestion) -> Iterator[RankingPage]:
        page = self.ranking_page(wanted)
        yield page
        while page.last is not None:
            page = self.ranking_page(replace(wanted, after=page.last))
            yield page

    def ranking_page(self, wanted: RankingPageQuestion) -> RankingPage:
        """Some of the others of a ranking, or of what it leaves out."""
        request = asked_message(wanted, query_pb2.PageRankingRequest)
        with self.said():
            response = self._stub.PageRanking(request, timeout=DEADLINE_S)
        return from_answer(response, RankingPage)

    def rank_fleet(self, question: FleetQuestion) -> FleetRanking:
        """What is best on each of several devices, and which one backbone for all of them."""
        with self.said():
            response = self._stub.RankFleet(asked_message(question, query_pb2.RankFleetRequest))
        return from_answer(response, FleetRanking)

    def predict(self, question: PredictQuestion) -> DevicePredictions:
        """What backbones would be measured at on a device, where they were not."""
        with self.said():
            request = asked_message(question, query_pb2.PredictRequest)
            response = self._stub.Predict(request, timeout=PREDICT_DEADLINE_S)
        return from_answer(response, DevicePredictions)

    def explain(self, question: ExplainQuestion) -> Explanations:
        """Why a backbone is where it is in a ranking, device by device."""
        request = asked_message(question, query_pb2.ExplainRequest)
        with self.said():
            response = self._stub.Explain(request, timeout=DEADLINE_S)
        return from_answer(response, Explanations)

    def compare(self, question: CompareQuestion) -> Comparison:
        """Whether B is faster or slower than A, pair by pair."""
        with self.said():
            response = self._stub.Compare(asked_message(question, query_pb2.CompareRequest))
        return from_answer(response, Comparison)


def _is_read_anew(constraints: Constraints) -> bool:
    """Whether a controller remembers no figures that such a question is answered by."""
    return constraints.at_minute is not None or constraints.paced_fps is not None


def _is_older(error: EdgerankError) -> bool:
    """Whether a controller does not know the call."""
    call = error.__cause__
    return isinstance(call, grpc.Call) and call.code() is grpc.StatusCode.UNIMPLEMENTED

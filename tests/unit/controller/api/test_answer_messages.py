"""Messages of remembered answers are made once, and never given for another answer."""

from dataclasses import replace

from controller.api.rpc.query.answers import AnswerMessages
from controller.domain.rankings import Constraints, Ranking
from protos.codec import from_answer
from protos.v1 import query_pb2

RANKING = Ranking(device="phone", constraints=Constraints(max_latency_ms=5.0), other_count=7)


def test_the_same_answer_has_one_message() -> None:
    answers = AnswerMessages()
    first = answers.message_of(RANKING, query_pb2.RankResponse)
    assert answers.message_of(RANKING, query_pb2.RankResponse) is first
    assert from_answer(first, Ranking) == RANKING


def test_another_answer_has_its_own_whatever_was_asked_before() -> None:
    answers = AnswerMessages()
    for count in range(200):
        # Nobody else holds it: the next one could have its place in memory.
        told = answers.message_of(replace(RANKING, other_count=count), query_pb2.RankResponse)
        assert told.other_count == count

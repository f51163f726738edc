"""A long ranking comes by pages, and whoever asks for all of it gets what they always got."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import pytest

from controller.client import QueryClient, rankings
from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.measurements import Verdict
from controller.domain.rankings import Constraints, Ranking
from controller.domain.rankings.pages import RankingPageQuestion
from controller.ranking.ranking import rank
from controller.ranking.standing.listing import listed
from models.catalog.catalog import Catalog
from protos.codec import from_answer, to_message
from protos.runtimes import Runtime
from protos.v1 import query_pb2, query_pb2_grpc
from tests.processes import running_controller
from tests.processes.states import begun_database
from tests.recorded import record_sweep
from tests.unit.controller.samples.measurements import DEVICE, measurement

NOTHING_WINS = Constraints(max_latency_ms=0.001)
NOTHING_COUNTS = Constraints(only=(Verdict.THROTTLED,))
MEASURED = [measurement(f"Net{ms}", ms) for ms in range(1, 6)]
WHOLE = rank(DEVICE, MEASURED, Constraints(), Catalog([]))


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A controller that has measured two backbones on a phone, with both runtimes."""
    state_dir: Path = tmp_path_factory.mktemp("controller")
    database = begun_database(state_dir)
    backbones = ("MobileNetV1", "MobileNetV2")
    record_sweep(database, 1.0, 1.01, backbones=backbones, runtimes=tuple(Runtime))
    database.close()
    with running_controller(state_dir) as (_controller, told):
        yield told


@pytest.mark.parametrize(
    ("constraints", "counts"), [(NOTHING_WINS, (4, 0)), (NOTHING_COUNTS, (0, 4))]
)
def test_a_whole_ranking_is_the_same_by_pages(
    address: str,
    constraints: Constraints,
    counts: tuple[int, int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rankings, "A_PAGE", 3)
    with QueryClient(address) as client:
        by_pages = client.rank("phone", constraints)
    request = query_pb2.RankRequest(
        device="phone", constraints=to_message(constraints, query_pb2.Constraints)
    )
    with grpc.insecure_channel(address) as channel:
        in_one = query_pb2_grpc.QueryStub(channel).Rank(request, timeout=60)
    assert by_pages == from_answer(in_one, Ranking)
    assert (by_pages.other_count, by_pages.left_out_count) == counts


def test_a_page_that_there_cannot_be_is_refused(address: str) -> None:
    sound = RankingPageQuestion(device="phone", constraints=NOTHING_WINS, most=1)
    with QueryClient(address) as client:
        of_others = client.ranking_page(sound).last
        assert of_others is not None
        for changed, refused in (
            ({"most": 0}, ErrorCode.INVALID_INPUT),
            ({"most": 1_001}, ErrorCode.INVALID_INPUT),
            ({"after": "nobody's"}, ErrorCode.INVALID_INPUT),
            ({"after": of_others, "of_left_out": True}, ErrorCode.INVALID_INPUT),
            ({"device": "nobody's"}, ErrorCode.UNKNOWN_NAME),
        ):
            asked: dict[str, Any] = changed
            with pytest.raises(EdgerankError) as failure:
                client.ranking_page(replace(sound, **asked))
            assert failure.value.code is refused


def _ranked_before_pages(
    request: query_pb2.RankRequest, _context: grpc.ServicerContext
) -> query_pb2.RankResponse:
    most = request.most_listed if request.HasField("most_listed") else None
    return to_message(listed(WHOLE, most), query_pb2.RankResponse)


def test_an_older_controller_is_asked_for_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rankings, "A_PAGE", 3)
    server = grpc.server(ThreadPoolExecutor(1))
    rank_alone = grpc.unary_unary_rpc_method_handler(
        _ranked_before_pages,
        request_deserializer=query_pb2.RankRequest.FromString,
        response_serializer=query_pb2.RankResponse.SerializeToString,
    )
    calls = grpc.method_handlers_generic_handler("edgerank.v1.Query", {"Rank": rank_alone})
    server.add_generic_rpc_handlers((calls,))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        with QueryClient(f"127.0.0.1:{port}") as client:
            assert client.rank(DEVICE, Constraints()) == WHOLE
            assert len(client.rank(DEVICE, Constraints(), most_listed=2).others) == 2
    finally:
        server.stop(None).wait()

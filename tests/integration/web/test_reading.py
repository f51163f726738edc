"""What programs read over HTTP: the documents of `--json`, in pages, within limits."""

import json
from typing import Any

import grpc
import httpx
import jsonschema
import pytest
from google.rpc import error_details_pb2, status_pb2

from controller.api.statuses import DETAILS_KEY
from protos.v1 import query_pb2, query_pb2_grpc
from tests.integration.web.conftest import Lab
from tests.processes import edgerank
from tools.schemas.documents import DOCUMENTS
from tools.schemas.generation import schema_of


def _get(asking: httpx.Client, path: str, **params: Any) -> Any:
    answered = asking.get(f"/api/v1/{path}", params=params)
    assert answered.status_code == 200, answered.text
    return answered.json()


def _refused(asking: httpx.Client, path: str, **params: Any) -> tuple[int, str]:
    answered = asking.get(f"/api/v1/{path}", params=params)
    assert answered.headers["content-type"] == "application/problem+json"
    return answered.status_code, answered.json()["code"]


def _conforms(document: Any, name: str) -> None:
    jsonschema.validate(document, schema_of(name, DOCUMENTS[name]))


def test_documents_are_those_of_the_command_line(asking: httpx.Client, lab: Lab) -> None:
    asked = ("best", "--device", "phone", "--by", "latency", "--json")
    printed = json.loads(edgerank(*asked, address=lab.address).stdout)
    assert _get(asking, "best", device="phone", by="latency") == printed
    printed = json.loads(edgerank("devices", "--json", address=lab.address).stdout)
    assert _get(asking, "devices") == printed


def test_a_failure_has_the_same_code_over_grpc(asking: httpx.Client, lab: Lab) -> None:
    _, code = _refused(asking, "best", device="nobody")
    # Sentences as long as headers take beside their details, also of letters that take more.
    for device in ("nobody", "n" * 2_500, "\N{SNOWMAN}" * 450):
        with grpc.insecure_channel(lab.address) as channel:
            ask = query_pb2_grpc.QueryStub(channel).Rank
            with pytest.raises(grpc.RpcError) as ended:
                ask(query_pb2.RankRequest(device=device), timeout=60)
        trailing = {each.key: each.value for each in ended.value.trailing_metadata()}
        told = status_pb2.Status.FromString(trailing[DETAILS_KEY])
        info = error_details_pb2.ErrorInfo()
        assert told.details[0].Unpack(info)
        assert (told.code, told.message) == (ended.value.code().value[0], ended.value.details())
        assert (info.domain, info.reason.lower()) == ("edgerank", code)


def test_every_document_has_its_schema(asking: httpx.Client) -> None:
    _conforms(_get(asking, "devices"), "devices")
    _conforms(_get(asking, "best", device="phone"), "ranking")
    _conforms(_get(asking, "best-for-fleet", by="latency"), "rankings/fleet_ranking")
    _conforms(_get(asking, "sweeps")["items"], "sweeps")
    _conforms(_get(asking, "backbones")["items"], "models")
    _conforms(_get(asking, "datasets"), "datasets")
    _conforms(_get(asking, "devices/phone/events"), "device_history")
    _conforms(_get(asking, "compare", a="runtime:onnxruntime", b="before:2100-01-01"), "comparison")
    (first, *_) = _get(asking, "measurements")["items"]
    _conforms(first, "measurement")


def test_pages_hold_everything_once(asking: httpx.Client) -> None:
    whole = _get(asking, "backbones", limit=1_000)
    names = []
    cursor = None
    while True:
        page = _get(asking, "backbones", limit=100, **({"cursor": cursor} if cursor else {}))
        names += [each["name"] for each in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert names == [each["name"] for each in whole["items"]]
    assert len(names) == len(set(names)) > 300


@pytest.mark.parametrize(
    ("path", "part", "limits"),
    [
        ("others", "others", {"max_latency_ms": 0.001}),
        ("left-out", "left_out", {"only": "throttled"}),
    ],
)
def test_pages_of_a_ranking_have_all_of_it(
    asking: httpx.Client, path: str, part: str, limits: dict[str, Any]
) -> None:
    asked = {"device": "phone", **limits}
    whole = _get(asking, "best", **asked)[part]
    first = _get(asking, f"best/{path}", limit=1, **asked)
    rest = _get(asking, f"best/{path}", limit=1, cursor=first["next_cursor"], **asked)
    assert [*first["items"], *rest["items"]] == whole
    assert (len(whole), rest["next_cursor"]) == (2, None)


def test_measurements_are_filtered_and_one_has_its_samples(asking: httpx.Client) -> None:
    of_board = _get(asking, "measurements", device="board")["items"]
    assert {each["device"] for each in of_board} == {"board"}
    assert all(each["repetitions"] == [] for each in of_board)
    one = _get(asking, f"measurements/{of_board[0]['measurement_id']}")
    assert one["repetitions"]
    assert one | {"repetitions": []} == of_board[0]


def test_the_front_is_that_of_the_ranking(asking: httpx.Client) -> None:
    ranking = _get(asking, "best", device="phone")
    assert _get(asking, "pareto", device="phone") == ranking["pareto_front"] != []


def test_a_sweep_is_followed_until_it_has_ended(asking: httpx.Client) -> None:
    sweep_id = _get(asking, "sweeps")["items"][0]["sweep_id"]
    with asking.stream("GET", f"/api/v1/sweeps/{sweep_id}/watch") as events:
        assert events.headers["content-type"].startswith("text/event-stream")
        lines = [line for line in events.iter_lines() if line]
    kinds = [line.removeprefix("event: ") for line in lines if line.startswith("event: ")]
    data = [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]
    assert kinds == ["snapshot", "end"]
    assert data[0] == data[1] == _get(asking, f"sweeps/{sweep_id}")
    _conforms(data[0], "sweep")


@pytest.mark.parametrize(
    ("path", "params", "refused"),
    [
        ("best", {}, (400, "invalid_input")),
        ("best", {"device": "watch"}, (404, "unknown_name")),
        ("best", {"device": "phone", "max_latency_ms": -1}, (400, "invalid_input")),
        ("best", {"device": "phone", "max_latency_ms": "20ms"}, (400, "invalid_input")),
        ("best", {"device": "phone", "max_latncy_ms": 20}, (400, "invalid_input")),
        ("best", {"device": "phone", "max_latency_ms": "nan"}, (400, "invalid_input")),
        ("best", {"device": "phone", "accuracy_dataset": "moons"}, (404, "unknown_name")),
        ("measurements", {"limit": 1_001}, (400, "invalid_input")),
        ("measurements", {"limit": 0}, (400, "invalid_input")),
        ("measurements", {"cursor": "YWZ0ZXI6bm9uZQ"}, (400, "invalid_input")),
        ("measurements", {"cursor": "'; DROP TABLE jobs"}, (400, "invalid_input")),
        ("best/others", {"device": "phone", "cursor": "YWZ0ZXI6bm9uZQ"}, (400, "invalid_input")),
        ("best/left-out", {"device": "phone", "cursor": "YWZ0ZXI6bm9uZQ"}, (400, "invalid_input")),
        ("best/others", {"device": "phone", "limit": 0}, (400, "invalid_input")),
        ("measurements/none", {}, (404, "unknown_name")),
        ("sweeps/none", {}, (404, "unknown_name")),
        ("sweeps/none/watch", {}, (404, "unknown_name")),
        ("datasets", {"limit": 1}, (400, "invalid_input")),
        ("compare", {"a": "runtime:none", "b": "x"}, (400, "invalid_input")),
        ("devices/none/events", {}, (404, "unknown_name")),
    ],
)
def test_what_cannot_be_answered_says_why(
    asking: httpx.Client, path: str, params: dict[str, Any], refused: tuple[int, str]
) -> None:
    assert _refused(asking, path, **params) == refused

"""`from controller.client import Client`, as notebooks use it."""

import asyncio
import sys
from collections.abc import Callable
from typing import Any

import pytest

from controller.client import Client, Table
from controller.domain.devices import Device
from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.rankings import Merit
from controller.domain.rankings.limits import Criterion
from models.catalog.precisions import Precision
from protos.runtimes import Runtime
from tests.integration.web.conftest import Lab


def test_answers_are_dataclasses_and_tables(lab: Lab) -> None:
    with Client(lab.address) as client:
        assert [each.name for each in client.devices()] == ["board", "phone"]
        found = client.measurements(device="phone")
        frame = found.to_pandas()
        assert list(frame["backbone"]) == [each.backbone for each in found]
        assert list(frame["latency_median_ms"]) == [
            each.latency.median_ms for each in found if each.latency is not None
        ]
        assert found.to_arrow().num_rows == len(found) == len(frame) > 0
        front = client.pareto("phone")
        assert {"measurement_backbone", "measurement_top1"} <= set(front.to_arrow().column_names)
        assert client.best("phone", by=None).pareto_front == tuple(front)
        assert client.best_for_fleet("phone", "board").places
        assert len(client.backbones()) > 300
        assert client.sweeps()[0].sweep_id
        assert client.compare("runtime:onnxruntime", "before:2100-01-01").pairs


def test_an_empty_table_has_its_columns() -> None:
    table = Table(Device, ())
    assert {"name", "device_id"} <= set(table.to_arrow().column_names)
    assert len(table.to_pandas()) == 0


def test_it_works_where_a_loop_runs(lab: Lab) -> None:
    async def cell() -> int:
        with Client(lab.address) as client:
            return len(client.devices())

    assert asyncio.run(cell()) == 2


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"max_latncy_ms": 1.0}, ErrorCode.INVALID_INPUT),
        ({"max_latency_ms": "20ms"}, ErrorCode.INVALID_INPUT),
        ({"max_latency_ms": -1}, ErrorCode.INVALID_INPUT),
        ({"max_memory_bytes": 10**30}, ErrorCode.INVALID_INPUT),
        ({"tier": "huge"}, ErrorCode.INVALID_INPUT),
        ({"series": "MobileNetV1"}, ErrorCode.INVALID_INPUT),
        ({"accuracy_dataset": "moons"}, ErrorCode.UNKNOWN_NAME),
    ],
)
def test_what_cannot_be_asked_is_an_error_with_its_code(
    lab: Lab, asked: dict[str, Any], code: ErrorCode
) -> None:
    with Client(lab.address) as client, pytest.raises(EdgerankError) as caught:
        client.best("phone", **asked)
    assert caught.value.code is code


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        (lambda c: c.best(3), "device cannot be 3"),
        (lambda c: c.best("\ud800"), "device cannot be"),
        (lambda c: c.best("phone", accuracy_dataset=3), "accuracy_dataset cannot be 3"),
        (lambda c: c.best("phone", most_listed=-1), "most_listed cannot be -1"),
        (lambda c: c.best("phone", most_listed=10**30), "most_listed cannot be 10"),
        (lambda c: c.best("phone", max_latency_ms=True), "max_latency_ms is True"),
        (lambda c: c.best("phone", max_latency_ms=10**400), "max_latency_ms is 10"),
        (lambda c: c.measurements(most=10**30), "most is 10"),
        (lambda c: c.measurements(most=-1), "most is -1"),
        (lambda c: c.measurements(device=3), "device cannot be 3"),
        (lambda c: c.best_for_fleet(["phone"]), "devices.0 is"),
        (lambda c: c.best_for_fleet(shares=["phone"]), "shares is"),
        (lambda c: c.best_for_fleet(shares={"phone": 10**400}), "shares.phone is 10"),
        (lambda c: c.best_for_fleet(shares={"phone": True}), "shares is"),
        (lambda c: c.why(3), "backbone cannot be 3"),
        (lambda c: c.predict("phone", threads=10**30), "threads cannot be 10"),
        (lambda c: c.compare(3, "runtime:onnxruntime"), "a is 3"),
    ],
)
def test_what_no_message_holds_is_told_by_its_name(
    lab: Lab, ask: Callable[[Any], object], told: str
) -> None:
    with Client(lab.address) as client, pytest.raises(EdgerankError) as caught:
        ask(client)
    assert caught.value.code is ErrorCode.INVALID_INPUT
    assert told in str(caught.value)
    assert len(str(caught.value)) < 300


def test_words_are_written_as_they_are_read(lab: Lab) -> None:
    with Client(lab.address) as client:
        asked: dict[str, Any] = {
            "runtime": "onnxruntime",
            "by": "latency",
            "front": ["latency", "top1"],
        }
        ranking = client.best("phone", **asked)
        assert (ranking.constraints.runtime, ranking.merit) == (Runtime.ONNXRUNTIME, Merit.LATENCY)
        assert ranking == client.best(
            "phone",
            runtime=Runtime.ONNXRUNTIME,
            by=Merit.LATENCY,
            front=(Criterion.LATENCY, Criterion.TOP1),
        )
        assert client.predict("phone", runtime="onnxruntime") == client.predict(
            "phone", runtime=Runtime.ONNXRUNTIME
        )
        in_int8 = client.predict("phone", precision="int8-dynamic")
        assert in_int8 == client.predict("phone", precision=Precision.INT8_DYNAMIC)
        assert {each.precision for each in in_int8.settings} == {Precision.INT8_DYNAMIC}
        with pytest.raises(EdgerankError, match="runtime is 'tflite'"):
            client.predict("phone", runtime="tflite")
        with pytest.raises(EdgerankError, match="regression_threshold is 'much'"):
            client.compare("MobileNetV1", "MobileNetV2", regression_threshold="much")


def test_devices_of_a_fleet_have_their_shares(lab: Lab) -> None:
    with Client(lab.address) as client:
        places = client.best_for_fleet(shares={"phone": 3}).places
        assert {each.device: each.share for each in places} == {"phone": 0.75, "board": 0.25}
        with pytest.raises(EdgerankError, match="share of 'phone'"):
            client.best_for_fleet(shares={"phone": -3})


def test_without_pandas_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(EdgerankError) as caught:
        Table(Device, ()).to_pandas()
    assert caught.value.code is ErrorCode.PRECONDITION


def test_a_token_of_no_kind_is_refused(lab: Lab) -> None:
    with pytest.raises(EdgerankError) as caught:
        Client(lab.address, token="secret")
    assert caught.value.code is ErrorCode.INVALID_INPUT

"""Metrics are read on loopback, unless somebody says that whoever comes may read them."""

import socket
from urllib.request import urlopen

import pytest
from prometheus_client import CollectorRegistry, Gauge

from controller.api.doors.metrics import MetricsPlace, served_metrics
from controller.domain.errors import EdgerankError, ErrorCode


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("9187", "127.0.0.1", 9187),
        ("localhost:0", "localhost", 0),
        ("[::1]:9187", "::1", 9187),
        ("127.0.0.2:9187", "127.0.0.2", 9187),
    ],
)
def test_a_place_is_on_loopback_without_a_host(text: str, host: str, port: int) -> None:
    assert MetricsPlace.parse(text, open_to_all=False) == MetricsPlace(host=host, port=port)


@pytest.mark.parametrize("text", ["", "port", "70000", "1:2:3", "host:", ":9187", "-1"])
def test_what_is_no_place_is_refused(text: str) -> None:
    with pytest.raises(EdgerankError) as refused:
        MetricsPlace.parse(text, open_to_all=True)
    assert refused.value.code is ErrorCode.INVALID_INPUT


@pytest.mark.parametrize("host", ["0.0.0.0", "[::]", "192.0.2.1"])
def test_where_others_come_it_has_to_be_said(host: str) -> None:
    with pytest.raises(EdgerankError, match="--metrics-insecure") as refused:
        MetricsPlace.parse(f"{host}:9187", open_to_all=False)
    assert refused.value.code is ErrorCode.INVALID_INPUT
    assert MetricsPlace.parse(f"{host}:9187", open_to_all=True).port == 9187


def test_a_scrape_is_answered_until_the_end() -> None:
    registry = CollectorRegistry()
    Gauge("edgerank_test", "Of this test.", registry=registry).set(5)
    with served_metrics(MetricsPlace(host="127.0.0.1", port=0), registry) as address:
        assert address is not None
        with urlopen(address, timeout=10) as answer:
            assert b"\nedgerank_test 5.0\n" in answer.read()
    with pytest.raises(OSError, match="refused"):
        urlopen(address, timeout=10)


def test_without_a_place_there_are_none() -> None:
    with served_metrics(None, CollectorRegistry()) as address:
        assert address is None


def test_a_port_that_is_taken_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        place = MetricsPlace(host="127.0.0.1", port=taken.getsockname()[1])
        with (
            pytest.raises(EdgerankError) as failed,
            served_metrics(place, CollectorRegistry()),
        ):
            raise AssertionError("it must not be served")
    assert failed.value.code is ErrorCode.UNREACHABLE

"""Spans are told to whom the environment names, and to nobody else."""

import logging
import subprocess
import sys

import pytest

from protos.traces import NO_SPANS, Span, Spans, open_spans

JOB, ATTEMPT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331b7ad6b7169203331"
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


@pytest.fixture(autouse=True)
def nothing_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment that says nothing of traces."""
    for name in (ENDPOINT, "OTEL_SDK_DISABLED", "OTEL_TRACES_EXPORTER", "OTEL_TRACES_SAMPLER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_PROTOCOL", raising=False)


class Heard(Spans):
    def __init__(self) -> None:
        self.spans: list[Span] = []

    def tell(self, span: Span) -> None:
        self.spans.append(span)


def test_where_nobody_is_named_nothing_is_loaded() -> None:
    look = (
        "import sys; from protos.traces import NO_SPANS, open_spans; "
        "assert open_spans('any') is NO_SPANS; "
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert NO_SPANS.of_job(JOB) == NO_SPANS.of_attempt(JOB, ATTEMPT) == ""


@pytest.mark.parametrize(
    ("name", "value"),
    [("OTEL_SDK_DISABLED", "true"), ("OTEL_TRACES_EXPORTER", "none"), (ENDPOINT, "")],
)
def test_the_environment_can_want_none(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(ENDPOINT, "http://127.0.0.1:9")
    monkeypatch.setenv(name, value)
    assert open_spans("any") is NO_SPANS


def test_a_protocol_that_is_not_spoken_is_said(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(ENDPOINT, "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
    with caplog.at_level(logging.WARNING):
        assert open_spans("any") is NO_SPANS
    assert len(caplog.records) == 1


@pytest.mark.parametrize(("sampler", "flags"), [("always_on", "01"), ("always_off", "00")])
def test_contexts_are_those_of_the_jobs_and_say_whether_they_are_wanted(
    monkeypatch: pytest.MonkeyPatch, sampler: str, flags: str
) -> None:
    monkeypatch.setenv(ENDPOINT, "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", sampler)
    spans = open_spans("any")
    try:
        assert spans.of_job(JOB) == f"00-{JOB}-{JOB[-16:]}-{flags}"
        assert spans.of_attempt(JOB, ATTEMPT) == f"00-{JOB}-{ATTEMPT[-16:]}-{flags}"
    finally:
        spans.close()


def test_what_a_block_takes_and_fails_for_is_told() -> None:
    heard = Heard()
    with heard.timed("first", "within", size=3):
        pass
    with pytest.raises(ValueError, match="no"), heard.timed("second", "within"):
        raise ValueError("no")
    first, second = heard.spans
    assert (first.name, first.within, first.facts, first.failure) == (
        "first",
        "within",
        {"size": 3},
        "",
    )
    assert first.begin_ns <= first.end_ns <= second.begin_ns
    assert second.failure == "no"

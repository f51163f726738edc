"""Traces of jobs, from plan to result, for whoever the environment of a process names.

It names a collector by OpenTelemetry's own variables. Where it names none, nothing is loaded, kept
or told.
"""

import importlib
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from protos.log_lines import event_log

log = event_log(__name__)

Fact: TypeAlias = str | int | float | bool

_ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_PROTOCOLS: Final = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_SPOKEN: Final = "grpc"


@dataclass(frozen=True, kw_only=True)
class Span:
    """Something that took time.

    Attributes:
        name: what.
        begin_ns: when it began, ns since 1970 UTC by this machine's clock.
        end_ns: when it ended.
        within: the context of what it is a part of, as W3C's traceparent; empty for none.
        own: its own context, by which others name it; empty lets it have any.
        facts: what is known of it.
        failure: why it failed; empty where it did not.
    """

    name: str
    begin_ns: int
    end_ns: int
    within: str = ""
    own: str = ""
    facts: Mapping[str, Fact] = field(default_factory=dict)
    failure: str = ""


class Spans:
    """Tells spans; this one tells them nobody, and its contexts are empty."""

    def tell(self, span: Span) -> None:
        """Tells of a span that has ended; from any thread, and nobody waits for it."""

    def of_job(self, job_id: str) -> str:
        """The context of a job's trace, whose id is the job's."""
        del job_id
        return ""

    def of_attempt(self, job_id: str, attempt_id: str) -> str:
        """The context of an attempt at a job, in the job's trace."""
        del job_id, attempt_id
        return ""

    def close(self) -> None:
        """Tells what has not been told yet, and no more."""

    @contextmanager
    def timed(self, name: str, within: str, **facts: Fact) -> Iterator[None]:
        """Tells how long the block took, and what it failed for if it did."""
        begin_ns, failure = time.time_ns(), ""
        try:
            yield
        except BaseException as error:
            failure = str(error) or type(error).__name__
            raise
        finally:
            self.tell(
                Span(
                    name=name,
                    begin_ns=begin_ns,
                    end_ns=time.time_ns(),
                    within=within,
                    facts=facts,
                    failure=failure,
                )
            )


NO_SPANS: Final = Spans()


@contextmanager
def opened_spans(service: str) -> Iterator[Spans]:
    """Spans of this process, told to whom its environment names; `service` is what it is."""
    spans = open_spans(service)
    try:
        yield spans
    finally:
        spans.close()


def open_spans(service: str) -> Spans:
    """As `opened_spans`, for who closes them."""
    if not _are_wanted(os.environ):
        return NO_SPANS
    protocol = next(filter(None, map(os.environ.get, _PROTOCOLS)), _SPOKEN)
    if protocol != _SPOKEN:
        log.warning("traces are told by OTLP over gRPC only, and so not at all", protocol=protocol)
        return NO_SPANS
    try:
        exporting = importlib.import_module("protos.traces.exporting")
    except ImportError as error:
        advice = "pip install '.[traces]' in edgerank's folder"
        log.warning("traces cannot be told", error=error, advice=advice)
        return NO_SPANS
    opened: Spans = exporting.ExportedSpans(service)
    return opened


def _are_wanted(environment: Mapping[str, str]) -> bool:
    return (
        any(environment.get(name) for name in _ENDPOINTS)
        and environment.get("OTEL_SDK_DISABLED", "").strip().lower() != "true"
        and environment.get("OTEL_TRACES_EXPORTER", "otlp") == "otlp"
    )

"""Spans that OpenTelemetry's SDK exports by OTLP, as its environment variables say."""

import threading
from importlib import metadata

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Decision
from opentelemetry.trace import Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from protos.traces import Span, Spans

# Of an id of 32 hexadecimal digits, which a trace has whole.
# The last of an id: an attempt's begins with the time, and many begin in one.
_SPAN_DIGITS = 16


class _Ids(RandomIdGenerator):
    """Ids at random, but of the span that is made while `wanted` says which ones."""

    def __init__(self) -> None:
        self.wanted: tuple[int, int] | None = None

    def generate_trace_id(self) -> int:
        """That of a trace which begins."""
        return self.wanted[0] if self.wanted else super().generate_trace_id()

    def generate_span_id(self) -> int:
        """That of a span."""
        return self.wanted[1] if self.wanted else super().generate_span_id()


class ExportedSpans(Spans):
    """Exports spans in groups, by a thread of its own; those that nobody takes are dropped."""

    def __init__(self, service: str) -> None:
        self._ids = _Ids()
        about = {"service.name": service, "service.version": metadata.version("edgerank")}
        # The environment's word is the last.
        resource = Resource.create(about).merge(OTELResourceDetector().detect())
        self._provider = TracerProvider(
            resource=resource, id_generator=self._ids, shutdown_on_exit=False
        )
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("edgerank")
        self._contexts = TraceContextTextMapPropagator()
        self._one_at_a_time = threading.Lock()

    def tell(self, span: Span) -> None:
        """Tells of a span that has ended."""
        within = self._contexts.extract({"traceparent": span.within}, Context())
        with self._one_at_a_time:
            self._ids.wanted = _ids_of(span.own) if span.own else None
            made = self._tracer.start_span(
                span.name, within, attributes=dict(span.facts), start_time=span.begin_ns
            )
        if span.failure:
            made.set_status(Status(StatusCode.ERROR, span.failure))
        made.end(span.end_ns)

    def of_job(self, job_id: str) -> str:
        """The context of a job's trace."""
        return self._context(job_id, job_id)

    def of_attempt(self, job_id: str, attempt_id: str) -> str:
        """The context of an attempt at a job."""
        return self._context(job_id, attempt_id)

    def close(self) -> None:
        """Tells what has not been told yet."""
        self._provider.shutdown()

    def _context(self, trace_id: str, span_id: str) -> str:
        """Both ids in one, with whether the trace is among those that the environment wants."""
        sampling = self._provider.sampler.should_sample(None, int(trace_id, 16), "job")
        is_wanted = sampling.decision is Decision.RECORD_AND_SAMPLE
        return f"00-{trace_id}-{span_id[-_SPAN_DIGITS:]}-{int(is_wanted):02}"


def _ids_of(context: str) -> tuple[int, int]:
    _version, trace_id, span_id, _flags = context.split("-")
    return int(trace_id, 16), int(span_id, 16)

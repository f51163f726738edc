"""A job is one trace, from plan to result, at whoever collects OpenTelemetry's spans."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1 import (
    trace_service_pb2,
    trace_service_pb2_grpc,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from tests.integration.system.conftest import QUICK_SWEEP
from tests.processes import edgerank, running, running_agent, running_controller

BACKBONE = "PPLCNet_x0_25"
ASKED = (
    *("--models", BACKBONE, "--devices", "pc", "--runtimes", "onnxruntime", "--threads", "1"),
    *QUICK_SWEEP,
)
OF_CONTROLLER = {"job", "plan", "conversion", "lease", "commit", "settle"}
OF_AGENT = {"fetch", "measure", "report"}


class Collector(trace_service_pb2_grpc.TraceServiceServicer):
    """Takes what exporters send by OTLP, and keeps it: each span with the service that it is of."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._spans: list[tuple[str, Span]] = []

    def Export(  # noqa: N802 - the contract's name
        self, request: trace_service_pb2.ExportTraceServiceRequest, context: Any
    ) -> trace_service_pb2.ExportTraceServiceResponse:
        del context
        with self._lock:
            for of_resource in request.resource_spans:
                facts = {each.key: each.value for each in of_resource.resource.attributes}
                service = facts["service.name"].string_value
                for of_scope in of_resource.scope_spans:
                    self._spans += [(service, span) for span in of_scope.spans]
        return trace_service_pb2.ExportTraceServiceResponse()

    def of_job(self, job_id: str, service: str) -> dict[str, list[Span]]:
        """The spans of a job's trace that a service told, by name."""
        found: dict[str, list[Span]] = {}
        with self._lock:
            for told_by, span in self._spans:
                if told_by == service and span.trace_id.hex() == job_id:
                    found.setdefault(span.name, []).append(span)
        return found


@contextmanager
def collecting(collector: Collector) -> Iterator[dict[str, str]]:
    """A collector that listens; gives the environment that names it."""
    server = grpc.server(ThreadPoolExecutor(2))
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(  # type: ignore[no-untyped-call]
        collector, server
    )
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}"}
    finally:
        server.stop(None)


def swept(address: str, *options: str) -> dict[str, Any]:
    """The one job of a sweep, as `--json` prints its end."""
    done = edgerank("sweep", *ASKED, *options, "--json", address=address)
    assert done.returncode == 0, done.stderr
    (job,) = json.loads(done.stdout)["ended"]
    assert isinstance(job, dict)
    return job


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Collector, str, str]:
    """What was told of a job of which both sides tell, and of one whose agent tells nothing."""
    collector, folder = Collector(), tmp_path_factory.mktemp("traces")
    with (
        collecting(collector) as environment,
        running_controller(folder / "controller", environment=environment) as (_, address),
    ):
        asked = ("--controller", address, "--name", "pc", "--state", str(folder / "agent"))
        with running("agent", *asked, environment=environment) as agent:
            agent.output.wait_for("connected to .* as pc")
            both = swept(address)["job_id"]
        with running_agent(address, "pc", folder / "agent"):
            alone = swept(address, "--fresh")["job_id"]
    return collector, both, alone


def test_a_job_is_one_trace_of_both_sides(told: tuple[Collector, str, str]) -> None:
    collector, job_id, _ = told
    ours = collector.of_job(job_id, "edgerank-controller")
    its = collector.of_job(job_id, "edgerank-agent")
    assert set(ours) == OF_CONTROLLER
    assert OF_AGENT <= set(its) <= {*OF_AGENT, "wait"}
    (job,) = ours["job"]
    leases = {lease.span_id for lease in ours["lease"]}
    assert not job.parent_span_id
    for name in OF_CONTROLLER - {"job", "commit"}:
        assert {span.parent_span_id for span in ours[name]} == {job.span_id}
    for spans in (ours["commit"], *its.values()):
        assert {span.parent_span_id for span in spans} == leases
    # Two repetitions, and each is a lease.
    assert len(leases) == len(its["measure"]) == len(its["report"]) == 2
    every = [span for spans in (*ours.values(), *its.values()) for span in spans]
    assert all(span.start_time_unix_nano <= span.end_time_unix_nano for span in every)
    assert {span.status.code for span in every} == {Status.STATUS_CODE_UNSET}
    facts = {each.key: each.value.string_value for each in job.attributes}
    assert (facts["edgerank.backbone"], facts["edgerank.device"]) == (BACKBONE, "pc")


def test_the_controllers_spans_stand_alone_where_the_agent_tells_none(
    told: tuple[Collector, str, str],
) -> None:
    collector, _, job_id = told
    assert collector.of_job(job_id, "edgerank-agent") == {}
    # Its file was there.
    assert set(collector.of_job(job_id, "edgerank-controller")) == OF_CONTROLLER - {"conversion"}


def test_a_collector_that_is_away_holds_up_nobody(tmp_path: Path) -> None:
    away = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}
    with running_controller(tmp_path, environment=away) as (controller, address):
        assert edgerank("devices", address=address).returncode == 0
        controller.process.terminate()
        assert controller.process.wait(timeout=60) == 0

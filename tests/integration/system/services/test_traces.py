"""A job is one trace, from plan to result, at whoever collects OpenTelemetry's spans."""

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Told:
    """What was told, and of which jobs.

    Attributes:
        collector: who heard it.
        both: the job of which both sides told.
        alone: the one whose agent told nothing.
        unheard: the one of which the controller told when nobody listened any more.
        exit_code: of the controller that was stopped then.
    """

    collector: Collector
    both: str
    alone: str
    unheard: str
    exit_code: int


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    collector, folder = Collector(), tmp_path_factory.mktemp("traces")
    with ExitStack() as there:
        environment = there.enter_context(collecting(collector))
        with running_controller(folder / "controller", environment=environment) as (
            controller,
            address,
        ):
            asked = ("--controller", address, "--name", "pc", "--state", str(folder / "agent"))
            with running("agent", *asked, environment=environment) as agent:
                agent.output.wait_for("connected to .* as pc")
                both = swept(address)["job_id"]
            with running_agent(address, "pc", folder / "agent"):
                alone = swept(address, "--fresh")["job_id"]
                while "job" not in collector.of_job(alone, "edgerank-controller"):
                    time.sleep(0.1)
                there.close()
                unheard = swept(address, "--fresh")["job_id"]
            controller.process.terminate()
            exit_code = controller.process.wait(timeout=120)
    return Told(collector, both, alone, unheard, exit_code)


def test_a_job_is_one_trace_of_both_sides(told: Told) -> None:
    collector, job_id = told.collector, told.both
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
    told: Told,
) -> None:
    collector, job_id = told.collector, told.alone
    assert collector.of_job(job_id, "edgerank-agent") == {}
    # Its file was there.
    assert set(collector.of_job(job_id, "edgerank-controller")) == OF_CONTROLLER - {"conversion"}


def test_a_collector_that_goes_away_holds_up_nobody(told: Told) -> None:
    # The job was measured, with spans that wait in vain, and the controller ended with them.
    assert told.collector.of_job(told.unheard, "edgerank-controller") == {}
    assert told.exit_code == 0

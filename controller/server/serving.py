"""The state and the services of one controller, from start to stop."""

import asyncio
import concurrent.futures
import socket
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from controller.access.administration import Administration
from controller.access.authorities import Authorities
from controller.access.callers import Callers
from controller.access.members import Members
from controller.api.bandwidth import Bandwidth, PushLimits
from controller.api.doors import Doors, Listening, Wanted
from controller.api.doors.metrics import MetricsPlace, served_metrics
from controller.api.limits import DEFAULTS, Limits
from controller.api.meters import Meters, Standing
from controller.api.queries import Queries
from controller.api.rpc.access_service import AccessService
from controller.api.rpc.entrance import Entrance, Servers
from controller.api.rpc.fleet_service import FleetService, fleet_handler
from controller.api.rpc.joining_service import JoiningService
from controller.api.rpc.query.query_service import QueryService
from controller.api.tracing import Tracing
from controller.api.web.app import make_app
from controller.api.web.door import WebDoor, WebWanted
from controller.api.web.pages.ground.sessions import Sessions
from controller.api.web.parts import Parts
from controller.conversions.converter import Converter
from controller.conversions.stored import Shelf
from controller.domain.catalog import joined_catalog
from controller.domain.errors import EdgerankError
from controller.fleet.agents import Fleet
from controller.fleet.changes import Changes, Happening
from controller.fleet.clock import Clock, SystemClock
from controller.fleet.leasing.leases import USUAL, Pace
from controller.fleet.sessions import AgentSession
from controller.own.adding import OwnModels
from controller.server.backup import clear_backups
from controller.server.restoring import settle_restores
from controller.server.watching import look_after_leases, started, stop_signal, until_stopped
from controller.state.blobs import open_blobs
from controller.state.catalog.accuracy import store_catalog
from controller.state.catalog.own_models import list_own_models
from controller.state.database import Database, claim_state, open_database
from controller.state.sweeps import count_open_jobs
from controller.sweeps.lifecycle import Sweeps
from controller.sweeps.profiling.running import Profiles
from controller.sweeps.prospects.planner import Planner
from controller.sweeps.repairing import StoredArtifacts
from controller.sweeps.retrying import Retrying
from controller.sweeps.steering import Steering
from models.catalog.catalog import Catalog, load_catalog
from protos.log_lines import event_log
from protos.traces import opened_spans
from protos.v1 import fleet_pb2, fleet_pb2_grpc, query_pb2, query_pb2_grpc

__all__ = ["Listening", "MetricsPlace", "PushLimits", "Wanted", "WebWanted", "serve"]

STOP_GRACE_S = 2.0
_SYSTEM_CLOCK: Clock = SystemClock()
# A scrape that is answered later than this is of no use to anybody.
STANDING_WITHIN_S = 10.0

log = event_log(__name__)

OnListening = Callable[[Listening, str | None], None]
"""Told where it listens, and where the metrics are, if anywhere."""

_SERVICES = tuple(
    service.full_name
    for file in (fleet_pb2.DESCRIPTOR, query_pb2.DESCRIPTOR)
    for service in file.services_by_name.values()
)


async def serve(
    wanted: Wanted,
    state_dir: Path,
    *,
    limits: Limits = DEFAULTS,
    metrics: MetricsPlace | None = None,
    web: WebWanted | None = None,
    on_listening: OnListening,
    on_authority: Callable[[Listening], None],
    clock: Clock = _SYSTEM_CLOCK,
    pace: Pace = USUAL,
) -> None:
    """Serves until SIGINT or SIGTERM; tells where it really listens, and who signs each time anew.

    Without `web` there are no pages, and nothing is answered over HTTP.

    Raises:
        EdgerankError: STORAGE or PRECONDITION for the state folder, also when that is removed while
            it is served; UNREACHABLE for an address.
    """
    with _claimed(state_dir), opened_spans("edgerank-controller") as spans:
        database = open_database(f"sqlite:///{state_dir / 'controller.sqlite'}")
        catalog = _stored_catalog(database)
        blobs, changes, meters = open_blobs(state_dir), Changes(), Meters()
        fleet = Fleet(database, changes, clock, socket.gethostname(), pace)
        needs = (database, blobs, state_dir, catalog, fleet.gate)
        converter = Converter(*needs, clock=clock, on_converted=meters.converted)
        planner = Planner(Shelf(database, blobs, state_dir / "weights"), catalog)
        sweeps = Sweeps(database, catalog, fleet, converter, changes, planner=planner, clock=clock)
        queries = Queries(database, catalog, fleet, planner.last_told)
        tracing = Tracing(spans, database, changes)
        steering = Steering(database, fleet, changes, clock, demand=converter.demand)
        retrying = Retrying(database, sweeps)
        doors = Doors(wanted, Authorities(state_dir / "access"))
        artifacts = StoredArtifacts(database, blobs, sweeps)
        parts = (database, fleet, queries, clock, artifacts, limits, meters, converter, changes)
        behind = _Behind(*parts, Bandwidth(wanted.push, clock), tracing)
        servers, entrance, administration = _guarded_servers(doors, behind, on_authority)
        given = partial(Parts, sweeps=sweeps, steering=steering, retrying=retrying, catalog=catalog)
        given = partial(given, guard=entrance.guard, administration=administration, changes=changes)
        told = partial(_query_service, state_dir=state_dir, open_to_all=wanted.insecure)
        service = told(behind, catalog, sweeps, steering, retrying)
        await _add_services_of_people(servers, service)
        doors.open(servers.of_people, servers.of_members)
        await fleet.recover()
        await servers.start()
        watching = started(*behind.watches(), *entrance.watches(doors.ports()))
        stopping = asyncio.create_task(stop_signal())
        await sweeps.recover()
        on_authority(doors.listening())
        try:
            async with _listening(web, metrics, doors, behind, given) as (at, metrics_address):
                on_listening(replace(doors.listening(), web_address=at), metrics_address)
                await until_stopped(stopping, watching, database)
        finally:
            _cancel_all(*watching, stopping)
            await _stop_serving(sweeps, fleet, servers)
            converter.close()
            database.close()


def _cancel_all(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()


@asynccontextmanager
async def _listening(
    web: WebWanted | None,
    metrics: MetricsPlace | None,
    doors: Doors,
    behind: "_Behind",
    given: Callable[..., Parts],
) -> AsyncIterator[tuple[str | None, str | None]]:
    """Answers over HTTP, and tells metrics, until the block ends; gives where, if anywhere."""
    with served_metrics(metrics, behind.meters.registry) as metrics_address:
        async with _served_web(web, doors, behind, given) as web_address:
            yield web_address, metrics_address


@asynccontextmanager
async def _served_web(
    wanted: WebWanted | None,
    doors: Doors,
    behind: "_Behind",
    given: Callable[..., Parts],
) -> AsyncIterator[str | None]:
    """Answers over HTTP until the block ends; gives the address, if any.

    Raises:
        EdgerankError: UNREACHABLE when the port is taken or the address is not this machine's.
    """
    if wanted is None:
        yield None
        return
    host, port = doors.wanted.host, doors.wanted.port
    authorities = doors.authorities if doors.is_encrypted() else None
    parts = given(
        queries=behind.queries,
        fleet=behind.fleet,
        database=behind.database,
        clock=behind.clock,
        open_to_all=doors.wanted.insecure,
        is_encrypted=doors.is_encrypted(),
        sessions=Sessions(behind.clock, authorities),
        hosts=wanted.hosts(host),
    )
    app = make_app(parts)
    door = WebDoor(wanted, host, port, authorities)
    async with door.served(app, behind.limits, parts.stopping):
        yield door.address


@contextmanager
def _claimed(state_dir: Path) -> Iterator[None]:
    """Holds a state folder, without what backups and restores left in it that were killed."""
    with claim_state(state_dir):
        settle_restores(state_dir)
        clear_backups(state_dir)
        yield


def _stored_catalog(database: Database) -> Catalog:
    """What is known of backbones, people's own among them."""
    catalog = joined_catalog(load_catalog(), list_own_models(database))
    store_catalog(database, catalog)
    return catalog


@dataclass(frozen=True)
class _Behind:
    """What stands behind the services of agents and of those who let them in."""

    database: Database
    fleet: Fleet
    queries: Queries
    clock: Clock
    artifacts: StoredArtifacts
    limits: Limits
    meters: Meters
    converter: Converter
    changes: Changes
    bandwidth: Bandwidth
    tracing: Tracing

    def watches(self) -> tuple[Coroutine[Any, Any, None], ...]:
        """What is looked after beside the services."""
        return look_after_leases(self.fleet, self.clock), *self.tracing.watches()

    async def look(self, sessions: Collection[AgentSession]) -> Standing:
        """How things stand; in the event loop, which alone changes them."""
        return Standing(
            connected_devices=len(self.fleet.connected()),
            leases=sum(len(session.leases) for session in sessions),
            outbox_lengths=tuple(session.outbox.qsize() for session in sessions),
            conversions_running=self.converter.admission.running,
            conversions_queued=self.converter.admission.queued,
            reports_committed=self.changes.count_of(Happening.REPORT_COMMITTED),
            attempts_lost=self.changes.count_of(Happening.ATTEMPT_LOST),
            open_jobs={},
        )


def _query_service(
    behind: _Behind,
    catalog: Catalog,
    sweeps: Sweeps,
    steering: Steering,
    retrying: Retrying,
    *,
    state_dir: Path,
    open_to_all: bool,
) -> QueryService:
    """What people and programs call by gRPC."""
    database, fleet, clock, limits = behind.database, behind.fleet, behind.clock, behind.limits
    return QueryService(
        *(database, catalog, behind.queries, sweeps),
        OwnModels(database, state_dir, catalog, fleet.gate, limits.upload_bytes, clock=clock),
        steering=steering,
        retrying=retrying,
        fleet=fleet,
        profiles=Profiles(database, catalog, fleet, sweeps),
        tracing=behind.tracing,
        clock=clock,
        open_to_all=open_to_all,
    )


def _guarded_servers(
    doors: Doors, behind: _Behind, on_authority: Callable[[Listening], None]
) -> tuple[Servers, Entrance, Administration]:
    """Servers that ask who calls, with the services of agents and of those who let them in."""
    database, fleet, clock = behind.database, behind.fleet, behind.clock
    members = Members(
        database,
        doors.authorities,
        clock,
        fleet_port=doors.fleet_port,
        lifetime_ms=doors.wanted.certificate_lifetime_ms,
    )
    administration = Administration(
        database,
        doors.authorities,
        members,
        clock,
        addresses=doors.addresses,
        on_rotated=lambda: on_authority(doors.listening()),
    )
    callers = Callers(database, members, clock, doors.at, open_to_all=doors.wanted.insecure)
    entrance = Entrance(
        *(callers, database, fleet.commits, clock),
        limits=behind.limits,
        meters=behind.meters,
        ports=doors.count(),
    )
    servers = entrance.servers()
    fleet_service = FleetService(
        *(fleet, behind.artifacts, members, behind.limits),
        bandwidth=behind.bandwidth,
        meters=behind.meters,
        tracing=behind.tracing,
        clock=clock,
    )
    _watch(behind, fleet_service.sessions)
    joining_service = JoiningService(members, fleet, entrance.guard, behind.limits, clock)
    access_service = AccessService(administration, behind.queries, fleet, entrance.guard)
    for server in servers.each:
        server.add_generic_rpc_handlers((fleet_handler(fleet_service),))
        fleet_pb2_grpc.add_JoiningServicer_to_server(joining_service, server)
        query_pb2_grpc.add_AccessServicer_to_server(access_service, server)
    return servers, entrance, administration


def _watch(behind: _Behind, sessions: Collection[AgentSession]) -> None:
    loop = asyncio.get_running_loop()

    def standing() -> Standing | None:
        """How things stand, asked from another thread; None when that is not to be had."""
        look = asyncio.run_coroutine_threadsafe(behind.look(sessions), loop)
        try:
            found = look.result(STANDING_WITHIN_S)
            return replace(found, open_jobs=count_open_jobs(behind.database))
        except (concurrent.futures.TimeoutError, EdgerankError) as error:
            log.warning("a scrape of the metrics is not told how things stand", error=error)
            return None

    behind.meters.watch(standing)


async def _stop_serving(sweeps: Sweeps, fleet: Fleet, servers: Servers) -> None:
    """Ends every stream, and remembers when devices were last heard of."""
    await sweeps.close()
    fleet.end_sessions()
    await servers.stop(STOP_GRACE_S)
    with suppress(EdgerankError):
        await fleet.close()


async def _add_services_of_people(servers: Servers, queries: QueryService) -> None:
    health_servicer = health.aio.HealthServicer()
    names = (*_SERVICES, health.SERVICE_NAME, reflection.SERVICE_NAME)
    for server in servers.each:
        query_pb2_grpc.add_QueryServicer_to_server(queries, server)
        health_pb2_grpc.add_HealthServicer_to_server(health_servicer, server)
        reflection.enable_server_reflection(names, server)
    for service in ("", *_SERVICES):
        await health_servicer.set(service, health_pb2.HealthCheckResponse.SERVING)

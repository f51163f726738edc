"""The state and the services of one controller, from start to stop."""

import asyncio
import concurrent.futures
import signal
import socket
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from obstore.store import LocalStore

from controller.access.administration import Administration
from controller.access.authorities import Authorities
from controller.access.callers import Callers
from controller.access.members import Members
from controller.api.doors import Doors, Listening, Wanted
from controller.api.meters import Meters, Standing
from controller.api.metrics_door import MetricsPlace, served_metrics
from controller.api.queries import Queries
from controller.api.rpc.access_service import AccessService
from controller.api.rpc.fleet_service import FleetService, fleet_handler
from controller.api.rpc.from_agents import MAX_MESSAGE_BYTES
from controller.api.rpc.guard import Guard
from controller.api.rpc.joining_service import JoiningService
from controller.api.rpc.query_service import QueryService
from controller.conversions.converter import Converter
from controller.domain.catalog import joined_catalog
from controller.domain.errors import EdgerankError, ErrorCode
from controller.fleet.agents import Fleet
from controller.fleet.changes import Changes, Happening
from controller.fleet.clock import Clock, SystemClock
from controller.fleet.sessions import AgentSession
from controller.own.adding import OwnModels
from controller.state.blobs import open_blobs
from controller.state.catalog.accuracy import store_catalog
from controller.state.catalog.own_models import list_own_models
from controller.state.database import Database, claim_state, open_database
from controller.state.sweeps import count_open_jobs
from controller.sweeps.lifecycle import Sweeps
from controller.sweeps.profiles import Profiles
from models.catalog.catalog import load_catalog
from protos.log_lines import event_log
from protos.v1 import fleet_pb2, fleet_pb2_grpc, query_pb2, query_pb2_grpc

__all__ = ["Listening", "MetricsPlace", "Wanted", "serve"]

STOP_GRACE_S = 2.0
LEASES_CHECK_S = 1.0
# Longer than a busy machine keeps a process from its core.
STALL_MS = 2_000
STATE_CHECK_S = 1.0
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
_OPTIONS = [
    # Without this a second controller would share the port instead of being refused.
    ("grpc.so_reuseport", 0),
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    # Agents ping to keep NAT tables warm.
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    # Who opens connections and says nothing on them only holds descriptors.
    ("grpc.server_handshake_timeout_ms", 20_000),
    ("grpc.max_connection_idle_ms", 300_000),
    ("grpc.max_concurrent_streams", 100),
]


async def serve(
    wanted: Wanted,
    state_dir: Path,
    *,
    metrics: MetricsPlace | None = None,
    on_listening: OnListening,
    on_authority: Callable[[Listening], None],
) -> None:
    """Serves until SIGINT or SIGTERM; tells where it really listens, and who signs each time anew.

    Raises:
        EdgerankError: STORAGE or PRECONDITION for the state folder, also when that is removed while
            it is served; UNREACHABLE for an address.
    """
    with claim_state(state_dir):
        database = open_database(f"sqlite:///{state_dir / 'controller.sqlite'}")
        catalog = joined_catalog(load_catalog(), list_own_models(database))
        store_catalog(database, catalog)
        blobs = open_blobs(state_dir)
        changes, clock, meters = Changes(), SystemClock(), Meters()
        fleet = Fleet(database, changes, clock, socket.gethostname())
        needs = (database, blobs, state_dir, catalog, fleet.gate)
        converter = Converter(*needs, clock=clock, on_converted=meters.converted)
        sweeps = Sweeps(database, catalog, fleet, converter, changes, clock=clock)
        queries = Queries(database, catalog, fleet)
        own_models = OwnModels(database, state_dir, catalog, fleet.gate, clock=clock)
        doors = Doors(wanted, Authorities(state_dir / "access"))
        behind = _Behind(database, fleet, queries, clock, blobs, meters, converter, changes)
        server = _guarded_server(doors, behind, lambda: on_authority(doors.listening()))
        query_service = QueryService(
            *(database, catalog, queries, sweeps, own_models),
            fleet=fleet,
            profiles=Profiles(database, catalog, fleet, sweeps),
            clock=clock,
            open_to_all=wanted.insecure,
        )
        query_pb2_grpc.add_QueryServicer_to_server(query_service, server)
        await _add_standard_services(server)
        doors.open(server)
        await fleet.recover()
        await server.start()
        watching = asyncio.create_task(_look_after_leases(fleet, clock))
        stopping = asyncio.create_task(_stop_signal())
        await sweeps.recover()
        on_authority(doors.listening())
        try:
            with served_metrics(metrics, meters.registry) as metrics_address:
                on_listening(doors.listening(), metrics_address)
                await _until_stopped(stopping, watching, database)
        finally:
            log.info("stopping")
            watching.cancel()
            stopping.cancel()
            await sweeps.close()
            fleet.end_sessions()
            await server.stop(STOP_GRACE_S)
            converter.close()
            database.close()


@dataclass(frozen=True)
class _Behind:
    """What stands behind the services of agents and of those who let them in."""

    database: Database
    fleet: Fleet
    queries: Queries
    clock: Clock
    blobs: LocalStore
    meters: Meters
    converter: Converter
    changes: Changes

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


def _guarded_server(
    doors: Doors, behind: _Behind, on_rotated: Callable[[], None]
) -> grpc.aio.Server:
    """A server that asks who calls, with the services of agents and of those who let them in."""
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
        on_rotated=on_rotated,
    )
    callers = Callers(database, members, clock, open_to_all=doors.wanted.insecure)
    guard = Guard(callers, database, clock, behind.meters)
    server = grpc.aio.server(options=_OPTIONS, interceptors=[guard])
    fleet_service = FleetService(fleet, behind.blobs, members, behind.meters)
    _watch(behind, fleet_service.sessions)
    server.add_generic_rpc_handlers((fleet_handler(fleet_service),))
    fleet_pb2_grpc.add_JoiningServicer_to_server(JoiningService(members), server)
    access_service = AccessService(administration, behind.queries, fleet, guard)
    query_pb2_grpc.add_AccessServicer_to_server(access_service, server)
    return server


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


async def _add_standard_services(server: grpc.aio.Server) -> None:
    health_servicer = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(health_servicer, server)
    for service in ("", *_SERVICES):
        await health_servicer.set(service, health_pb2.HealthCheckResponse.SERVING)
    names = (*_SERVICES, health.SERVICE_NAME, reflection.SERVICE_NAME)
    reflection.enable_server_reflection(names, server)


async def _look_after_leases(fleet: Fleet, clock: Clock) -> None:
    while True:
        before_ms = clock.monotonic_ms()
        await asyncio.sleep(LEASES_CHECK_S)
        gap_ms = round(clock.monotonic_ms() - before_ms - 1_000 * LEASES_CHECK_S)
        if gap_ms > STALL_MS:
            fleet.stood_still(gap_ms)
            # What agents said meanwhile is heard before anything is judged.
            continue
        try:
            await fleet.look_after_leases()
        except EdgerankError as error:
            # The disk may have room again at the next look.
            log.error("leases could not be looked after", error=error)


def _tell_end(watching: asyncio.Task[None]) -> None:
    """Ends a controller that does not look after its leases any more: it only seems to work.

    Raises:
        EdgerankError: EXECUTION.
    """
    error = watching.exception()
    log.critical("the watch over leases ended", exc_info=error)
    raise EdgerankError(
        ErrorCode.EXECUTION,
        f"the controller ended by a defect of its own ({type(error).__name__}; its log has it "
        "whole): start it again, and report what the log says",
    )


async def _until_stopped(
    stopping: asyncio.Task[None], watching: asyncio.Task[None], database: Database
) -> None:
    """Wait for a signal to stop, while leases are looked after and the state is there.

    Raises:
        EdgerankError: EXECUTION or STORAGE when one of them is not so any more.
    """
    present = asyncio.create_task(_look_after_state(database))
    try:
        awaited = {stopping, watching, present}
        await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
        if watching.done():
            _tell_end(watching)
        if present.done():
            present.result()
    finally:
        present.cancel()


async def _look_after_state(database: Database) -> NoReturn:
    """Look whether the state is there, for as long as it is.

    Raises:
        EdgerankError: STORAGE when it is not any more.
    """
    while True:
        await asyncio.sleep(STATE_CHECK_S)
        database.check_present()


async def _stop_signal() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()

"""One controller: state, services, and their life from start to stop."""

import asyncio
import logging
import signal
import socket
from collections.abc import Callable
from pathlib import Path

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from controller.api.queries import Queries
from controller.api.rpc.fleet_service import FleetService, fleet_handler
from controller.api.rpc.from_agents import MAX_MESSAGE_BYTES
from controller.api.rpc.query_service import QueryService
from controller.conversions.converter import Converter
from controller.domain.catalog import joined_catalog
from controller.domain.errors import EdgerankError, ErrorCode
from controller.fleet.agents import Fleet
from controller.fleet.changes import Changes
from controller.fleet.clock import Clock, SystemClock
from controller.own.adding import OwnModels
from controller.state.accuracy import store_catalog
from controller.state.blobs import open_blobs
from controller.state.database import claim_state, open_database
from controller.state.own_models import list_own_models
from controller.sweeps.lifecycle import Sweeps
from controller.sweeps.profiles import Profiles
from models.catalog.catalog import load_catalog
from protos.v1 import fleet_pb2, query_pb2, query_pb2_grpc

STOP_GRACE_S = 2.0
LEASES_CHECK_S = 1.0
# Longer than a busy machine keeps a process from its core.
STALL_MS = 2_000

log = logging.getLogger(__name__)

_SERVICES = (
    fleet_pb2.DESCRIPTOR.services_by_name["Fleet"].full_name,
    query_pb2.DESCRIPTOR.services_by_name["Query"].full_name,
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
    host: str, port: int, state_dir: Path, on_listening: Callable[[str, int], None]
) -> None:
    """Serves until SIGINT or SIGTERM; tells which port it really bound.

    Raises:
        EdgerankError: STORAGE or PRECONDITION for the state folder, UNREACHABLE for the address.
    """
    with claim_state(state_dir):
        database = open_database(f"sqlite:///{state_dir / 'controller.sqlite'}")
        catalog = joined_catalog(load_catalog(), list_own_models(database))
        store_catalog(database, catalog)
        blobs = open_blobs(state_dir)
        changes, clock = Changes(), SystemClock()
        fleet = Fleet(database, changes, clock, socket.gethostname())
        converter = Converter(database, blobs, state_dir, catalog, fleet.gate, clock=clock)
        sweeps = Sweeps(database, catalog, fleet, converter, changes, clock=clock)
        profiles = Profiles(database, catalog, fleet, sweeps)
        queries = Queries(database, catalog, fleet)
        own_models = OwnModels(database, state_dir, catalog, fleet.gate, clock=clock)
        server = grpc.aio.server(options=_OPTIONS)
        server.add_generic_rpc_handlers((fleet_handler(FleetService(fleet, blobs)),))
        query_pb2_grpc.add_QueryServicer_to_server(
            QueryService(
                database,
                catalog,
                queries,
                sweeps,
                own_models,
                fleet=fleet,
                profiles=profiles,
                clock=clock,
            ),
            server,
        )
        await _add_standard_services(server)
        bound_port = _bind(server, host, port)
        await fleet.recover()
        await server.start()
        watching = asyncio.create_task(_look_after_leases(fleet, clock))
        stopping = asyncio.create_task(_stop_signal())
        await sweeps.recover()
        on_listening(host, bound_port)
        try:
            await asyncio.wait({watching, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if watching.done():
                _tell_end(watching)
        finally:
            log.info("stopping")
            watching.cancel()
            stopping.cancel()
            await sweeps.close()
            fleet.end_sessions()
            await server.stop(STOP_GRACE_S)
            converter.close()
            database.close()


def _bind(server: grpc.aio.Server, host: str, port: int) -> int:
    bracketed = f"[{host}]" if ":" in host else host
    try:
        bound = server.add_insecure_port(f"{bracketed}:{port}")
    except RuntimeError:
        bound = 0
    if bound == 0:
        raise EdgerankError(
            ErrorCode.UNREACHABLE,
            f"cannot listen on {host}:{port}: the port is taken or the address is not this "
            "machine's; choose another port (0 takes any free one) or host",
        )
    return bound


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
            log.error("leases could not be looked after: %s", error)


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


async def _stop_signal() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()

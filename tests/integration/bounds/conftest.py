"""Controllers with limits of a test's own, and those who hold much of them."""

import json
import os
import ssl
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import grpc
import psutil
import pytest

from tests.integration.access.conftest import Guarded, status_of
from tests.integration.controller.conftest import start_sweep
from tests.processes import Running, own_address, running
from tests.processes.states import begun_database

PROGRAM = (sys.executable, "-m", "tests.integration.bounds.limited")


@pytest.fixture(scope="package", autouse=True)
def own_config(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Logins of tests are none of whoever runs them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", os.fspath(tmp_path_factory.mktemp("config")))
        yield


@contextmanager
def limited_controller(folder: Path, **limits: object) -> Iterator[tuple[Running, str]]:
    """A controller on a loopback address, and where it listens."""
    places = ("--port", "0", "--state", str(folder / "controller"))
    with running(json.dumps(limits), *places, program=PROGRAM) as controller:
        listening = controller.output.wait_for(r"listening on (127\.0\.0\.1:\d+)")
        yield controller, listening[1]


@contextmanager
def limited_guarded(folder: Path, **limits: object) -> Iterator[Guarded]:
    """A controller on every address of this machine, with TLS."""
    places = ("--host", "0.0.0.0", "--port", "0", "--state", str(folder / "controller"))
    with running(json.dumps(limits), *places, program=PROGRAM) as controller:
        port = controller.output.wait_for(r"listening on 0\.0\.0\.0:(\d+)")[1]
        fleet_port = controller.output.wait_for(r"connect to port (\d+)")[1]
        host = own_address()
        local, address, fleet = f"127.0.0.1:{port}", f"{host}:{port}", f"{host}:{fleet_port}"
        yield Guarded(controller, local, address, fleet, folder)


def prepare_sweep(folder: Path) -> str:
    """Leaves a sweep to the controller that is started next: one job, ready for the phone."""
    state = folder / "controller"
    state.mkdir()
    database = begun_database(state)
    sweep_id = start_sweep(database, "phone")
    database.close()
    return sweep_id


def own_channel(address: str) -> grpc.Channel:
    """A connection that is shared with no other channel of this process."""
    return grpc.insecure_channel(address, [("grpc.use_local_subchannel_pool", 1)])


def process_of(controller: Running) -> psutil.Process:
    """What the kernel tells of a controller."""
    return psutil.Process(controller.process.pid)


def answer_of(call: Callable[[], Any]) -> grpc.StatusCode:
    """What a call ends with."""
    try:
        call()
    except grpc.RpcError as error:
        return status_of(error)
    return grpc.StatusCode.OK


def retried_until(wanted: grpc.StatusCode, call: Callable[[], Any], of: Running) -> None:
    """Calls until the answer is the wanted one; what is held is let go a moment later."""
    while answer_of(call) is not wanted:
        assert of.process.poll() is None


def half_a_handshake() -> bytes:
    """The first half of what a client of TLS says first."""
    outgoing = ssl.MemoryBIO()
    client = ssl.create_default_context().wrap_bio(
        ssl.MemoryBIO(), outgoing, server_hostname="somebody"
    )
    with suppress(ssl.SSLWantReadError):
        client.do_handshake()
    hello = outgoing.read()
    return hello[: len(hello) // 2]

"""A controller as others see it beside its fleet: how long a person waits, and what it takes."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import numpy as np
import psutil

from protos.joining import (
    SERVER_NAME,
    AccessToken,
    JoinToken,
    bearer_letters,
    parse_access_token,
    parse_join_token,
)
from protos.joining.presented import presented_authority
from protos.v1 import query_pb2, query_pb2_grpc
from tests.integration.access.conftest import status_of
from tests.processes import Running, edgerank, running

_EVERY_S = 0.1
_ANSWER_S = 30.0
_LARGE_BYTES = 1 << 28


@dataclass(frozen=True)
class Served:
    """A controller with TLS.

    Attributes:
        running: its process.
        port: where people ask, and devices join.
        fleet_port: where members connect.
    """

    running: Running
    port: int
    fleet_port: int

    @property
    def address(self) -> str:
        """Where people ask."""
        return f"127.0.0.1:{self.port}"

    def rss_bytes(self) -> int:
        """What it holds of memory now."""
        return int(psutil.Process(self.running.process.pid).memory_info().rss)

    def peak_rss_bytes(self) -> int:
        """What it ever held."""
        status = Path(f"/proc/{self.running.process.pid}/status").read_text(encoding="ascii")
        line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
        return 1_024 * int(line.split()[1])

    def join_token(self, uses: int) -> JoinToken:
        """A token for so many devices."""
        arguments = ("--address", self.address, "--uses", str(uses))
        return parse_join_token(self._command("token", "create", *arguments))

    def access_token(self) -> AccessToken:
        """A token for people."""
        return parse_access_token(self._command("access", "create", "ada"))

    def _command(self, *arguments: str) -> str:
        done = edgerank(*arguments, address=self.address)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


@contextmanager
def served(state: Path, port: int = 0, fleet_port: int = 0) -> Iterator[Served]:
    """A controller that listens on every address of this machine."""
    ports = ("--port", str(port), "--fleet-port", str(fleet_port))
    with running("controller", "--host", "0.0.0.0", *ports, "--state", str(state)) as process:
        listening = process.output.wait_for(r"listening on 0\.0\.0\.0:(\d+)")[1]
        of_members = process.output.wait_for(r"connect to port (\d+)")[1]
        yield Served(process, int(listening), int(of_members))


class Person:
    """Somebody with a token who asks for a ranking, ten times a second."""

    def __init__(self, address: str, token: AccessToken, device: str) -> None:
        authority = presented_authority(address, token.authority_sha256, _ANSWER_S)
        self._channel = grpc.secure_channel(
            address,
            grpc.ssl_channel_credentials(authority),
            [
                ("grpc.ssl_target_name_override", SERVER_NAME),
                ("grpc.max_receive_message_length", _LARGE_BYTES),
                ("grpc.max_reconnect_backoff_ms", 1_000),
            ],
        )
        self._stub = query_pb2_grpc.QueryStub(self._channel)
        self._metadata = (("authorization", f"Bearer {bearer_letters(token.secret)}"),)
        self._device = device
        self._waits: list[tuple[float, float]] = []
        self._stopped = threading.Event()
        self._asking = threading.Thread(target=self._ask)

    def __enter__(self) -> "Person":
        self._asking.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._asking.join()
        self._channel.close()

    def p99_s(self, since_s: float) -> float:
        """How long 99 of 100 answers took at most since then, s; `since_s` since 1970."""
        waits = [wait_s for asked_s, wait_s in tuple(self._waits) if asked_s >= since_s]
        return float(np.percentile(waits, 99)) if waits else float("nan")

    def listing_s(self) -> float:
        """How long it takes to list every device, s."""
        begin_s = time.perf_counter()
        self._stub.ListDevices(
            query_pb2.ListDevicesRequest(), timeout=_ANSWER_S, metadata=self._metadata
        )
        return time.perf_counter() - begin_s

    def _ask(self) -> None:
        while not self._stopped.wait(_EVERY_S):
            asked_s = time.time()
            begin_s = time.perf_counter()
            try:
                self._stub.Rank(
                    query_pb2.RankRequest(device=self._device),
                    timeout=_ANSWER_S,
                    metadata=self._metadata,
                )
            except grpc.RpcError as error:
                code = status_of(error)
                # While there is no controller, nobody waits for one.
                if code is grpc.StatusCode.UNAVAILABLE:
                    continue
                if code is not grpc.StatusCode.DEADLINE_EXCEEDED:
                    raise
            self._waits.append((asked_s, time.perf_counter() - begin_s))

"""A controller of a schedule: the real one, in a process of its own, on a clock that may be off."""

import asyncio
import os
import threading
from multiprocessing.connection import Connection as Pipe
from pathlib import Path

from controller.api.doors import Listening, Wanted
from controller.domain.errors import EdgerankError
from controller.fleet.clock import SystemClock
from controller.fleet.leasing.leases import Pace
from controller.server.serving import serve
from protos.log_lines import LogFormat, log_to_stderr
from tests.faults.schedules import HEARTBEAT_INTERVAL_MS, LEASE_MS

PACE = Pace(heartbeat_interval_ms=HEARTBEAT_INTERVAL_MS, lease_ms=LEASE_MS)
BROKEN_EXIT_CODE = 4


class SetClock(SystemClock):
    """This machine's clock, but for the time of day."""

    def __init__(self, added_ms: int) -> None:
        self._added_ms = added_ms

    def unix_ms(self) -> int:
        return super().unix_ms() + self._added_ms


def run_controller(pipe: Pipe, wanted: Wanted, state_dir: Path, clock_ms: int, log: Path) -> None:
    """Serve until it is ended, and tell where it listens; its log is a file."""
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for standard in (1, 2):
        os.dup2(descriptor, standard)
    log_to_stderr(LogFormat.TEXT)
    threading.Thread(target=_end_with, args=(pipe,), daemon=True).start()

    def on_listening(listening: Listening, _metrics_address: str | None) -> None:
        pipe.send((listening.port, listening.fleet_port))

    serving = serve(
        wanted,
        state_dir,
        on_listening=on_listening,
        on_authority=lambda _: None,
        clock=SetClock(clock_ms),
        pace=PACE,
    )
    try:
        asyncio.run(serving)
    except EdgerankError as error:
        os.write(2, f"{error}\n".encode())
        raise SystemExit(BROKEN_EXIT_CODE) from error


def _end_with(pipe: Pipe) -> None:
    """Go with who drives the schedule, who never says anything."""
    try:
        pipe.recv()
    except (EOFError, OSError):
        os._exit(0)

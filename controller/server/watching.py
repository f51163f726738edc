"""What a controller looks after for as long as it serves, and what ends it."""

import asyncio
import gc
import signal
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, NoReturn

from controller.domain.errors import EdgerankError, ErrorCode
from controller.fleet.agents import Fleet
from controller.fleet.clock import Clock
from controller.state.database import Database
from controller.state.measurements.candidates import Damaged
from controller.state.measurements.figures import devices_behind, keep_figures
from protos.log_lines import event_log

LEASES_CHECK_S = 1.0
# Longer than a busy machine keeps a process from its core.
STALL_MS = 2_000
STATE_CHECK_S = 1.0
FIGURES_CHECK_S = 60.0
# For garbage: some megabytes.
_OBJECTS_BETWEEN_LOOKS = (10_000, 10, 10)

log = event_log(__name__)


async def look_after_leases(fleet: Fleet, clock: Clock) -> None:
    """Looks after them once a second, except where this process itself stood still."""
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


def started(*watches: Coroutine[Any, Any, None]) -> set[asyncio.Task[None]]:
    """Begins them all."""
    return {asyncio.create_task(watch) for watch in watches}


def _tell_end(watching: asyncio.Task[None]) -> None:
    """Ends a controller one of whose watches ended: it only seems to work.

    Raises:
        EdgerankError: EXECUTION.
    """
    error = watching.exception()
    log.critical("a watch ended that lasts as long as the controller", exc_info=error)
    raise EdgerankError(
        ErrorCode.EXECUTION,
        f"the controller ended by a defect of its own ({type(error).__name__}; its log has it "
        "whole): start it again, and report what the log says",
    )


async def until_stopped(
    stopping: asyncio.Task[None], watching: set[asyncio.Task[None]], database: Database
) -> None:
    """Wait for a signal to stop, while leases and peers are looked after and the state is there.

    Raises:
        EdgerankError: EXECUTION or STORAGE when one of them is not so any more.
    """
    present = asyncio.create_task(_look_after_state(database))
    keeping = asyncio.create_task(_look_after_figures(database))
    # What was imported stays: looking for garbage in all of it takes longer than most answers.
    gc.freeze()
    # By default it is looked for at each few messages, among all that wait to be committed.
    gc.set_threshold(*_OBJECTS_BETWEEN_LOOKS)
    try:
        awaited = {stopping, present, keeping, *watching}
        done, _awaited = await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
        for task in done & {keeping, *watching}:
            _tell_end(task)
        if present.done():
            present.result()
    finally:
        log.info("stopping")
        present.cancel()
        keeping.cancel()


async def _look_after_figures(database: Database) -> NoReturn:
    """Keeps what rankings need of devices, so that it is there after a restart."""
    while True:
        # Without it the next rankings are slower, and nothing else.
        with suppress(EdgerankError):
            for device_id in await asyncio.to_thread(devices_behind, database):
                # One that cannot be read is ranked by what can, each time.
                with suppress(Damaged):
                    await asyncio.to_thread(keep_figures, database, device_id)
        await asyncio.sleep(FIGURES_CHECK_S)


async def _look_after_state(database: Database) -> NoReturn:
    """Look whether the state is there, for as long as it is.

    Raises:
        EdgerankError: STORAGE when it is not any more.
    """
    while True:
        await asyncio.sleep(STATE_CHECK_S)
        database.check_present()


async def stop_signal() -> None:
    """Waits for SIGINT or SIGTERM."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()

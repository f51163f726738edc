"""How an agent that was deployed stands, on its board and in the fleet."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from controller.server.deploying.board import Service
from controller.server.deploying.deployment import Fleet
from controller.server.deploying.installed import Installed
from protos.runtimes import Runtime


@dataclass(frozen=True, kw_only=True)
class Status:
    """An agent that was deployed.

    Attributes:
        where: the board, as it was named.
        deployed: whether anything is.
        running: whether its agent is kept running there.
        service: what keeps it running.
        base: folder of all that is deployed there.
        version: of edgerank; None where nothing is deployed.
        release: which is current; None where nothing is deployed.
        labels: that it was told.
        runtimes: that were installed for it.
        native_runner: whether it measures with a native runner that was brought.
        device_id: who it is in a fleet; None before it joined.
        device: its name in this fleet; None where this controller does not know it.
        connected: whether it is connected to this controller.
    """

    where: str
    deployed: bool
    running: bool
    service: Service
    base: str
    version: str | None
    release: str | None
    labels: Mapping[str, str]
    runtimes: tuple[Runtime, ...]
    native_runner: bool
    device_id: str | None
    device: str | None
    connected: bool


async def status_of(installed: Installed, fleet: Fleet) -> Status:
    """How it stands.

    Raises:
        EdgerankError: what the board or the controller does not answer.
    """
    standing = await installed.look()
    devices = await asyncio.to_thread(fleet.devices)
    device = next((each for each in devices if each.device_id == standing.device_id), None)
    settings = standing.settings
    return Status(
        where=installed.shell.where,
        deployed=settings is not None,
        running=standing.running,
        service=installed.board.service,
        base=installed.board.base,
        version=None if settings is None else settings.version,
        release=standing.release_id,
        labels={} if settings is None else settings.labels,
        runtimes=() if settings is None else settings.runtimes,
        native_runner=settings is not None and settings.native_runner is not None,
        device_id=standing.device_id,
        device=None if device is None else device.name,
        connected=device is not None and device.connected,
    )

"""An agent brought to a board, switched to at once, and taken back when it does not come up."""

import asyncio
import hashlib
import posixpath
import secrets
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Final, Protocol

from controller.domain.devices import Device
from controller.domain.errors import EdgerankError, ErrorCode
from controller.server.deploying.board import Board
from controller.server.deploying.brought.native_runner import NativeRunner, find_runner
from controller.server.deploying.brought.packing import NAME, pack_wheel
from controller.server.deploying.examining import Fit, Tell
from controller.server.deploying.installed import Installed, Standing
from controller.server.deploying.installing import bring_runner, install
from controller.server.deploying.membership import Entry, entry_of, known_device
from controller.server.deploying.releases import (
    Release,
    Settings,
    environment_key,
    release_of,
)
from controller.server.deploying.ssh import LONG_S, Shell
from protos.names import is_device_name
from protos.runtimes import Runtime

UP_S: Final = 60.0
"""How long an agent may take until its device reports, by default."""
_LOOK_S: Final = 2.0
_LAST_LINES: Final = 20


class Fleet(Protocol):
    """What a deployment asks the controller; every method may raise EdgerankError."""

    def devices(self) -> Sequence[Device]:
        """Every device that joined."""

    def came_at_unix_ms(self, device: str) -> int | None:
        """When a device's agent last came, ms since 1970 UTC; None where nobody knows."""

    def make_token(self, device: str | None) -> tuple[str, str]:
        """A token by which one device joins, a known one or a new one, and the token's id."""

    def revoke_token(self, token_id: str) -> None:
        """Ends a token."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is to run on a board.

    Attributes:
        name: of the device; None means what the board calls itself.
        labels: of the device.
        runtimes: to be installed for it.
        offline: whether every wheel comes from this side.
        rejoin: whether it joins by another token, as the device of its name where there is one.
        up_s: how long the agent may take until its device reports, in seconds.
        paddlelite_python: another Python of the board, which has Paddle Lite.
        paddlelite_bin: the board's own benchmark_bin of Paddle Lite.
        runner_folder: on this side, with the native runner that it is to measure with.
        native_runner: the one on the board that it measures with where none is brought.
    """

    name: str | None = None
    labels: Mapping[str, str]
    runtimes: tuple[Runtime, ...] = (Runtime.ONNXRUNTIME,)
    offline: bool = False
    rejoin: bool = False
    up_s: float = UP_S
    paddlelite_python: str | None = None
    paddlelite_bin: str | None = None
    runner_folder: Path | None = None
    native_runner: str | None = None


@dataclass(frozen=True, kw_only=True)
class Deployed:
    """How a deployment ended.

    Attributes:
        device: which reports.
        changed: whether anything was changed.
    """

    device: Device
    changed: bool


@dataclass(frozen=True)
class Deployment:
    """A board, the fleet that it is to be in, and whom it is told what happens."""

    shell: Shell
    fit: Fit
    fleet: Fleet
    tell: Tell

    @property
    def board(self) -> Board:
        """What it is."""
        return self.fit.board

    @property
    def installed(self) -> Installed:
        """What was deployed there."""
        return Installed(self.shell, self.board)

    async def deploy(self, wanted: Wanted) -> Deployed:
        """Brings what is wanted; a second time changes nothing.

        Until the one rename that switches to it, what ran before goes on.

        Raises:
            EdgerankError: what went wrong, with what to do next.
        """
        runner = self._runner(wanted)
        if runner is not None:
            wanted = replace(wanted, native_runner=runner.name)
        standing = await self.installed.look()
        if wanted.native_runner is None and standing.settings and standing.settings.native_runner:
            self.tell(
                "note: the native runner that was brought is left out, as no --runner-folder names "
                "one: it measures with its packages again"
            )
        devices = await asyncio.to_thread(self.fleet.devices)
        device = known_device(standing, devices)
        name = self._name(wanted, device)
        entry = entry_of(
            *(standing, devices, name, self.shell.where),
            rejoin=wanted.rejoin,
            named=wanted.name is not None,
        )
        with tempfile.TemporaryDirectory(prefix="edgerank-deploy-") as folder:
            wheel = await asyncio.to_thread(pack_wheel, Path(folder))
            settings = self._settings(wanted, name, standing, wheel.read_bytes())
            release = release_of(settings, self.board)
            is_current = release.release_id == standing.release_id == standing.started_id
            is_there = is_current and standing.running
            if is_there and entry is None and device is not None and device.connected:
                return Deployed(device=device, changed=False)
            # Whether a token can be had is known before anything is sent.
            async with self._let_in(entry):
                if settings.environment not in standing.environments:
                    await install(
                        *(self.installed, self.fit, wheel, settings, self.tell),
                        offline=wanted.offline,
                    )
                if settings.native_runner is not None:
                    brought = (settings.environment, settings.native_runner, runner)
                    await bring_runner(self.installed, *brought, self.tell)
                await self._write(release)
                marks = await self._marks(devices, name, standing)
                device = await self._switch(release, standing, marks, wanted.up_s)
        await self._prune(release, settings, standing)
        return Deployed(device=device, changed=True)

    def _name(self, wanted: Wanted, known: Device | None) -> str:
        # A person may have renamed it.
        name = wanted.name or (self.board.hostname if known is None else known.name)
        if not is_device_name(name):
            raise EdgerankError(
                ErrorCode.INVALID_INPUT,
                f"{self.shell.where} calls itself {name!a}, which cannot name a device: give a "
                "name with --name",
            )
        return name

    def _settings(self, wanted: Wanted, name: str, standing: Standing, wheel: bytes) -> Settings:
        version = metadata.version(NAME)
        told = f"{self.fit.python.path} {self.fit.python.version}"
        key = environment_key(version, hashlib.sha256(wheel).digest(), told, wanted.runtimes)
        current = "" if standing.settings is None else standing.settings.environment
        there = sorted(
            (each for each in standing.environments if each.startswith(f"{key}-")),
            # That which runs, where there are several of the same.
            key=lambda each: each != current,
        )
        # Its name is in its scripts, so that it cannot be renamed: what broke off is never used.
        fresh = f"{key}-{secrets.token_hex(4)}"
        return Settings(
            version=version,
            environment=there[0] if there else fresh,
            name=name,
            labels=wanted.labels,
            runtimes=wanted.runtimes,
            paddlelite_python=wanted.paddlelite_python,
            paddlelite_bin=wanted.paddlelite_bin,
            native_runner=wanted.native_runner,
        )

    def _runner(self, wanted: Wanted) -> NativeRunner | None:
        folder = wanted.runner_folder
        return None if folder is None else find_runner(folder, self.board.machine)

    async def _write(self, release: Release) -> None:
        folder = posixpath.join(self.board.base, "releases", release.release_id)
        await self.shell.write(posixpath.join(folder, "settings.json"), release.settings)
        await self.shell.write(posixpath.join(folder, "agent"), release.start)
        await self.shell.write(posixpath.join(folder, "keeper"), release.keeper)

    async def _marks(
        self, devices: Sequence[Device], name: str, standing: Standing
    ) -> dict[str, int | None]:
        """When those came last that the board's agent may be."""
        return {
            each.device_id: await asyncio.to_thread(self.fleet.came_at_unix_ms, each.name)
            for each in devices
            if each.device_id == standing.device_id or each.name == name
        }

    @asynccontextmanager
    async def _let_in(self, entry: Entry | None) -> AsyncIterator[None]:
        """While a token lies on the board, if it has to join."""
        if entry is None:
            yield
            return
        token, token_id = await asyncio.to_thread(self.fleet.make_token, entry.device)
        path = posixpath.join(self.board.base, "token")
        try:
            await self.shell.write(path, token)
            yield
        finally:
            # One that was used is known no more.
            with suppress(EdgerankError):
                await asyncio.to_thread(self.fleet.revoke_token, token_id)
            with suppress(EdgerankError):
                await self.shell.write(path, "")

    async def _switch(
        self,
        release: Release,
        standing: Standing,
        marks: Mapping[str, int | None],
        up_s: float,
    ) -> Device:
        """Makes a release the one that runs; unless it reports, what ran before runs again."""
        before = standing.started_id or standing.release_id
        if before == release.release_id:
            before = None
        try:
            await self.installed.switch(release.release_id)
            device = await self._started(marks, up_s)
        except BaseException:
            # Whoever interrupts it, too: the next run would find nothing to be changed.
            await self._went_back(before)
            raise
        if device is not None:
            return device
        words = await self._last_words()
        if before is None:
            raise EdgerankError(
                ErrorCode.EXECUTION,
                f"the agent on {self.shell.where} did not report, with {up_s:.0f} s to do so "
                f"({words}); read 'edgerank deploy logs ssh {self.shell.where}', see that the "
                "board reaches the controller (--address), and run the same command again",
            )
        self.tell("it does not report: taking it back")
        state = "could not be started again: run the same command again"
        if await self._went_back(before):
            reports = await self._wait(marks, up_s) is not None
            state = "reports again" if reports else "was started again and did not report yet"
        raise EdgerankError(
            ErrorCode.EXECUTION,
            f"the new agent on {self.shell.where} did not report, with {up_s:.0f} s to do so "
            f"({words}), and was taken back; the one before {state}",
        )

    async def _started(self, marks: Mapping[str, int | None], up_s: float) -> Device | None:
        if not await self.installed.start():
            self.tell(
                "note: it ends when its user logs out; 'sudo loginctl enable-linger' with the "
                "user's name lets it stay"
            )
        self.tell("started; waiting until it reports")
        return await self._wait(marks, up_s)

    async def _went_back(self, before: str | None) -> bool:
        """Whether a release from before could be started again."""
        if before is None:
            return False
        try:
            await self.installed.switch(before)
            await self.installed.start()
        except EdgerankError as error:
            self.tell(f"note: what ran before could not be started again: {error}")
            return False
        return True

    async def _last_words(self) -> str:
        with suppress(EdgerankError):
            if lines := await self.installed.log(_LAST_LINES):
                return lines[-1]
        return "nothing in its log"

    async def _wait(self, marks: Mapping[str, int | None], up_s: float) -> Device | None:
        """The device, once its agent came; None when it ended or took too long."""
        deadline_s = time.monotonic() + up_s
        while time.monotonic() < deadline_s:
            standing = await self.installed.look()
            devices = await asyncio.to_thread(self.fleet.devices)
            device = known_device(standing, devices)
            if device is not None and device.connected:
                came = await asyncio.to_thread(self.fleet.came_at_unix_ms, device.name)
                if came != marks.get(device.device_id):
                    return device
            if not standing.running:
                return None
            await asyncio.sleep(_LOOK_S)
        return None

    async def _prune(self, release: Release, settings: Settings, standing: Standing) -> None:
        """Leaves what runs and what ran before it."""
        kept: list[str] = []
        both = ((settings, release.release_id), (standing.settings, standing.release_id))
        for each, release_id in both:
            if each is not None and release_id is not None:
                kept += [f"environments/{each.environment}", f"releases/{release_id}"]
                kept += [f"runners/{each.native_runner}"] if each.native_runner else []
        try:
            await self.shell.ask("prune", self.board.base, *kept, timeout_s=LONG_S)
        except EdgerankError as error:
            self.tell(f"note: what is of no use there any more is left: {error}")

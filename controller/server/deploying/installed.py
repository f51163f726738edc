"""What was deployed on a board: looked at, told of, removed."""

from dataclasses import dataclass
from typing import Final

from controller.domain.errors import EdgerankError, ErrorCode
from controller.server.deploying.board import Board, Service, read_facts
from controller.server.deploying.releases import (
    Settings,
    is_environment,
    keeper_path,
    read_release_id,
    read_settings,
)
from controller.server.deploying.ssh import LONG_S, Shell
from protos.names import printable

_STOP_S: Final = 90.0


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What was deployed on a board.

    Attributes:
        release_id: of the current release; None where there is none.
        settings: of it.
        environments: that are whole, the folders among `environments`.
        device_id: who its agent is in a fleet; None before it joined.
        running: whether something keeps its agent running.
        started_id: the release that was started last; None where none was.
    """

    release_id: str | None
    settings: Settings | None
    environments: tuple[str, ...]
    device_id: str | None
    running: bool
    started_id: str | None = None


@dataclass(frozen=True)
class Installed:
    """A board of which something is asked; its own Python is not needed for that."""

    shell: Shell
    board: Board

    async def look(self) -> Standing:
        """What was deployed.

        Raises:
            EdgerankError: UNREACHABLE, EXECUTION.
        """
        facts = read_facts(await self.shell.ask("look", self.board.base))
        settings = facts.get("settings", [""])[0]
        device_id = facts.get("device_id", [""])[0]
        return Standing(
            release_id=read_release_id(facts.get("release", [""])[0]),
            settings=read_settings(settings) if settings else None,
            environments=tuple(filter(is_environment, facts.get("environment", ()))),
            device_id=printable(device_id)[:64] or None,
            running=await self._service("running") == "yes",
            started_id=read_release_id(facts.get("started", [""])[0]),
        )

    async def switch(self, release_id: str) -> None:
        """Makes a release the current one; what runs goes on with the one before."""
        told = (self.board.base, release_id, keeper_path(self.board))
        await self.shell.ask("switch", *told)

    async def start(self) -> bool:
        """Starts the current release, in the place of what ran.

        Returns:
            Whether it goes on when its user logs out.
        """
        return "no-linger" not in await self._service("start")

    async def log(self, lines: int) -> list[str]:
        """The last lines that the agent said, as they may be shown."""
        said = await self._service("log", str(lines))
        return [printable(line) for line in said.splitlines()][-lines:]

    async def remove(self, *, with_state: bool) -> None:
        """Ends the agent and removes it; its identity and unsent reports only `with_state`."""
        if (await self.look()).running or self.board.service is not Service.SCRIPT:
            await self._service("remove")
        await self.shell.ask(
            *("remove", self.board.base, keeper_path(self.board), "yes" if with_state else "no"),
            timeout_s=LONG_S,
        )

    async def _service(self, verb: str, *arguments: str) -> str:
        told = (self.board.service.value, self.board.base, verb, *arguments)
        said = await self.shell.run("service", *told, timeout_s=_STOP_S)
        if said.code != 0:
            raise EdgerankError(
                ErrorCode.EXECUTION,
                f"{self.shell.where} could not {verb} the agent ({said.last_words()}); put that "
                "right there, and run the same command again",
            )
        return said.out.strip()

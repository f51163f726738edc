"""Many boards at once, with a table of what goes on."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from controller.cli.operating.deploying.hosts import Host
from controller.domain.errors import EdgerankError
from controller.server.deploying.examining import Tell

AT_ONCE: Final = 8
"""Boards at a time: each costs this side a wheel, a connection and, offline, a download."""


@dataclass(frozen=True)
class Outcome:
    """How a board's deployment ended.

    Attributes:
        host: the board.
        words: for people.
        failed: whether it did.
    """

    host: Host
    words: str
    failed: bool


class Progress:
    """Shows what each board is at: a table on a terminal, else a line a change."""

    def __init__(self, console: Console, hosts: Sequence[Host]) -> None:
        self._console = console
        self._steps = {host.spelt: Text("waiting", style="dim") for host in hosts}
        self._live: Live | None = None

    @contextmanager
    def shown(self) -> Iterator[None]:
        """While boards are deployed to."""
        if not self._console.is_terminal:
            yield
            return
        with Live(console=self._console, auto_refresh=False) as self._live:
            self._live.update(self._table(), refresh=True)
            yield

    def tell(self, host: Host, line: str, style: str = "") -> None:
        """What a board is at now."""
        self._steps[host.spelt] = Text(line, style=style)
        if self._live is not None:
            self._live.update(self._table(), refresh=True)
        else:
            self._console.print(Text(f"{host.spelt}: {line}", style=style), soft_wrap=True)

    def _table(self) -> Table:
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
        table.add_column("board", no_wrap=True)
        table.add_column("is at", overflow="fold")
        for board, step in self._steps.items():
            table.add_row(board, step)
        return table


async def deploy_all(
    hosts: Sequence[Host],
    deploy: Callable[[Host, Tell], Awaitable[str]],
    progress: Progress,
) -> list[Outcome]:
    """Deploys to each board, some at a time; one that fails keeps no other from it.

    Args:
        hosts: the boards.
        deploy: gives what is said of one at its end; raises EdgerankError.
        progress: whom each step is told.
    """
    free = asyncio.Semaphore(AT_ONCE)

    async def one(host: Host) -> Outcome:
        async with free:
            try:
                words = await deploy(host, lambda line: progress.tell(host, line))
                outcome = Outcome(host, words, failed=False)
            # The edge where a defect of ours becomes one board's: the others go on.
            except Exception as error:  # noqa: BLE001
                told = str(error) if isinstance(error, EdgerankError) else repr(error)
                outcome = Outcome(host, f"failed: {told}", failed=True)
        progress.tell(host, outcome.words, "red" if outcome.failed else "green")
        return outcome

    with progress.shown():
        return list(await asyncio.gather(*map(one, hosts)))

"""Shows how far the bytes of an upload are, on a terminal and only of one that takes long."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

SHOWN_AFTER_S: Final = 1.0
"""How long an upload goes on before it is shown."""


@contextmanager
def shown_upload(
    console: Console, chunks: Iterable[bytes], size_bytes: int
) -> Iterator[Iterator[bytes]]:
    """Gives the same chunks, with a bar on the console while they are taken.

    The bar ends with the block, also when not every chunk was taken. They may be taken by another
    thread.
    """
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
        transient=True,
    ) as progress:
        yield _counted(progress, chunks, size_bytes)


def _counted(progress: Progress, chunks: Iterable[bytes], size_bytes: int) -> Iterator[bytes]:
    task = progress.add_task("sending", total=size_bytes, visible=False)
    began_s = progress.get_time()
    for chunk in chunks:
        yield chunk
        # Asked for the next one: this one is on its way.
        is_long = progress.get_time() - began_s >= SHOWN_AFTER_S
        progress.update(task, advance=len(chunk), visible=is_long)
    progress.update(task, description="sent, being run once")
